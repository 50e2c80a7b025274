//! Values of the right type that are impossible all the same, and names that are nearly right. Everything wrong is collected,
//! not only the first.

use std::fmt::Debug;

/// An impossible value.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The key's path, such as `train.lr` or `train.schedule.multi_step.at[1]`.
    pub path: String,
    /// The value found and the range expected.
    pub message: String,
}

/// The place of the first value of a list that stands there before, too.
pub fn first_repeat<T: PartialEq>(values: &[T]) -> Option<usize> {
    (0..values.len()).find(|&i| values[..i].contains(&values[i]))
}

/// The problems found so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// A problem of a value at a key's path.
    pub fn add(&mut self, path: &str, message: String) {
        self.found.push(Problem { path: path.to_string(), message });
    }

    /// A value that is impossible unless `ok`.
    pub fn check(&mut self, path: &str, found: impl Debug, ok: bool, expected: &str) {
        if !ok {
            self.add(path, format!("{found:?} is impossible; expected {expected}"));
        }
    }

    /// A number against its range; no range holds NaN or infinity.
    pub fn range(&mut self, path: &str, found: impl Into<f64> + Debug + Copy, ok: bool, expected: &str) {
        self.check(path, found, ok && found.into().is_finite(), expected);
    }

    /// A count of at least so many.
    pub fn at_least(&mut self, path: &str, found: usize, least: usize) {
        self.check(path, found, found >= least, &format!("at least {least}"));
    }

    /// A count whose excess could only be a slip: it would ask for more memory or threads than there are.
    pub fn up_to(&mut self, path: &str, found: usize, least: usize, most: usize) {
        self.check(path, found, (least..=most).contains(&found), &format!("{least} to {most}"));
    }

    /// A finite number above 0.
    pub fn positive(&mut self, path: &str, found: f64) {
        self.range(path, found, found > 0.0, "a number above 0");
    }

    /// A finite number of at least 0.
    pub fn not_negative(&mut self, path: &str, found: f64) {
        self.range(path, found, found >= 0.0, "a number of at least 0");
    }

    /// From 0, but below 1: what is averaged or added up without end.
    pub fn below_one(&mut self, path: &str, found: impl Into<f64> + Debug + Copy) {
        let value = found.into();
        self.range(path, found, (0.0..1.0).contains(&value), "a number from 0 to below 1");
    }

    /// From 0 to 1.
    pub fn fraction(&mut self, path: &str, found: impl Into<f64> + Debug + Copy) {
        let value = found.into();
        self.range(path, found, (0.0..=1.0).contains(&value), "a number from 0 to 1");
    }

    /// A factor that lowers the learning rate.
    pub fn factor(&mut self, path: &str, found: f64) {
        self.range(path, found, found > 0.0 && found <= 1.0, "a number above 0, at most 1");
    }

    /// Pixels per side that a network can take.
    pub fn pixels(&mut self, path: &str, found: usize) {
        self.check(path, found, (16..=512).contains(&found), "16 to 512");
    }

    /// As [`Self::not_negative`], printed with the digits of an `f32`.
    pub fn not_negative_f32(&mut self, path: &str, found: f32) {
        self.range(path, found, found >= 0.0, "a number of at least 0");
    }

    /// All that was found, in the order in which it was looked at.
    pub fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}

/// The valid name that was probably meant.
pub fn nearest<'n>(found: &str, valid: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let found = plain(found);
    valid
        .into_iter()
        .map(|name| (distance(&found, &plain(name)), name))
        .filter(|&(distance, name)| distance <= 1 + name.chars().count().min(found.chars().count()) / 4)
        .min()
        .map(|(_, name)| name)
}

/// A name without what people vary: case, dashes, underscores.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).take(64).flat_map(char::to_lowercase).collect()
}

/// Edits between two names; little where one is an abbreviation of the other.
fn distance(found: &str, name: &str) -> usize {
    let (short, long) = if found.len() < name.len() { (found, name) } else { (name, found) };
    if short.chars().count() >= 3 && long.starts_with(short) {
        return 1;
    }
    strsim::damerau_levenshtein(found, name)
}
