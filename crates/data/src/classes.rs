//! Classes of a model and of a dataset, matched by name: neither order nor spelling need be the same.

use anyhow::{Result, bail};
use ferrotype_base::problems::first_repeat;

use super::Labelled;

/// Words of each expression in datasets and papers; the first is how they are compared.
const WORDS: [&[&str]; 8] = [
    &["neutral", "neutrality", "normal"],
    &["happiness", "happy", "joy", "smile", "smiling"],
    &["surprise", "surprised", "surprising"],
    &["sadness", "sad"],
    &["anger", "angry"],
    &["disgust", "disgusted"],
    &["fear", "fearful", "afraid", "scared"],
    &["contempt", "contemptuous"],
];

/// A class name as it is compared: without case, and one word per expression (`angry` and `anger` are one).
pub fn canonical(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    WORDS.iter().find(|words| words.contains(&lower.as_str())).map_or(lower.clone(), |words| words[0].to_owned())
}

/// For each of `from` its place in `to`, by name: as they are spelt where `to` has every name so, otherwise as [`canonical`]
/// names. A run's own data match it even where two of its classes differ only in case.
///
/// # Errors
/// When two of either are one class by name.
pub fn places(from: &[String], to: &[String]) -> Result<Vec<Option<usize>>> {
    let exact: Vec<Option<usize>> = from.iter().map(|n| to.iter().position(|t| t == n)).collect();
    if exact.iter().all(Option::is_some) {
        return Ok(exact);
    }
    for list in [from, to] {
        let names: Vec<String> = list.iter().map(|n| canonical(n)).collect();
        if let Some(i) = first_repeat(&names) {
            let other = names.iter().position(|n| *n == names[i]).unwrap_or(i);
            bail!("the classes `{}` and `{}` are one by name: rename one of them", list[other], list[i]);
        }
    }
    let wanted: Vec<String> = to.iter().map(|n| canonical(n)).collect();
    Ok(from.iter().map(|n| wanted.iter().position(|w| *w == canonical(n))).collect())
}

/// A labelling in a model's classes and their order.
pub struct Aligned {
    /// The labelling; rows whose class the model does not know have targets of zero.
    pub labelled: Labelled,
    /// For each example whether the model knows its class.
    pub known: Vec<bool>,
}

/// The targets of a labelling over a model's classes, matched by name. With `common_only`, classes that one side lacks
/// are left out; otherwise they are an error.
///
/// # Errors
/// When a class is missing on either side, or two classes are one by name.
pub fn align(labelled: &Labelled, classes: &[String], common_only: bool) -> Result<Aligned> {
    let places = places(&labelled.classes, classes)?;
    let unknown: Vec<&str> = list(&labelled.classes, |i| places[i].is_none());
    let unused: Vec<&str> = list(classes, |i| !places.contains(&Some(i)));
    let differ = !unknown.is_empty() || !unused.is_empty();
    if differ && !common_only {
        let mut faults = Vec::new();
        if !unknown.is_empty() {
            faults.push(format!("the model does not know the data's {}", unknown.join(", ")));
        }
        if !unused.is_empty() {
            faults.push(format!("the data has none of the model's {}", unused.join(", ")));
        }
        bail!(
            "the model's classes are {}, those of the data {}: {}. Another --labels mode may fit, or --common-classes scores \
             the rows of the classes that both have",
            classes.join(", "),
            labelled.classes.join(", "),
            faults.join(", and ")
        );
    }
    if unknown.len() == labelled.classes.len() {
        bail!(
            "the model's classes ({}) and those of the data ({}) have none in common",
            classes.join(", "),
            labelled.classes.join(", ")
        );
    }
    let mut aligned = Labelled { classes: classes.to_vec(), targets: Vec::new(), ..labelled.clone() };
    let mut known = Vec::with_capacity(labelled.len());
    for i in 0..labelled.len() {
        let is_known = places[labelled.class(i)].is_some();
        let mut target = vec![0.0; classes.len()];
        for (&share, place) in labelled.target(i).iter().zip(&places) {
            if let (Some(place), true) = (place, is_known) {
                target[*place] += share;
            }
        }
        let sum: f32 = target.iter().sum();
        if sum > 0.0 && sum < 1.0 {
            target.iter_mut().for_each(|t| *t /= sum);
        }
        aligned.targets.extend(target);
        known.push(is_known);
    }
    Ok(Aligned { labelled: aligned, known })
}

fn list(names: &[String], is_wanted: impl Fn(usize) -> bool) -> Vec<&str> {
    (0..names.len()).filter(|&i| is_wanted(i)).map(|i| names[i].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &str) -> Vec<String> {
        words.split(' ').map(Into::into).collect()
    }

    fn labelled(classes: &str, labels: &[usize]) -> Labelled {
        let classes = names(classes);
        let targets = labels.iter().flat_map(|&l| (0..classes.len()).map(move |i| f32::from(u8::from(i == l))));
        let targets = targets.collect();
        Labelled { rows: (0..labels.len() as u32).collect(), targets, classes, ..Labelled::default() }
    }

    #[test]
    fn classes_are_matched_by_name_not_by_place() {
        let data = labelled("angry happy neutral", &[0, 1, 2, 1]);
        let aligned = align(&data, &names("Neutral anger happiness"), false).unwrap();
        let classes: Vec<usize> = (0..4).map(|i| aligned.labelled.class(i)).collect();
        assert_eq!(classes, [1, 2, 0, 2]);
        assert_eq!(aligned.labelled.rows, data.rows);
        assert!(aligned.known.iter().all(|&k| k));
        assert_eq!(aligned.labelled.targets.iter().sum::<f32>(), 4.0);
    }

    #[test]
    fn classes_of_one_side_only_are_an_error_or_left_out() {
        let data = labelled("angry happy contempt", &[0, 2, 1]);
        let model = names("happy angry neutral");
        let text = align(&data, &model, false).err().unwrap().to_string();
        assert!(text.contains("does not know the data's contempt"), "{text}");
        assert!(text.contains("the data has none of the model's neutral"), "{text}");
        let aligned = align(&data, &model, true).unwrap();
        assert_eq!(aligned.known, [true, false, true]);
        assert_eq!(aligned.labelled.target(2), [1.0, 0.0, 0.0]);
        let none = align(&data, &names("cat dog"), true).err().unwrap().to_string();
        assert!(none.contains("none in common"), "{none}");
        let twice = align(&data, &names("happy joy angry"), true).err().unwrap().to_string();
        assert!(twice.contains("`happy` and `joy`"), "{twice}");
    }

    #[test]
    fn names_that_are_spelt_alike_match_before_those_that_mean_the_same() {
        let model = names("HAPPINESS happiness joy sad");
        let data = labelled("HAPPINESS happiness joy sad", &[0, 1, 2, 3]);
        let aligned = align(&data, &model, false).unwrap();
        assert_eq!((0..4).map(|i| aligned.labelled.class(i)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let differing = align(&labelled("Happiness sad", &[0]), &model, true).err().unwrap().to_string();
        assert!(differing.contains("`HAPPINESS` and `happiness`"), "{differing}");
    }

    #[test]
    fn soft_targets_keep_their_proportions() {
        let data = Labelled {
            classes: names("anger fear contempt"),
            rows: vec![7],
            targets: vec![0.5, 0.25, 0.25],
            ..Labelled::default()
        };
        let aligned = align(&data, &names("fear anger"), true).unwrap();
        let target = aligned.labelled.target(0);
        assert!((target[0] - 1.0 / 3.0).abs() < 1e-6 && (target[1] - 2.0 / 3.0).abs() < 1e-6);
    }
}
