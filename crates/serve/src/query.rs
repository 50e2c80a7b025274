//! The parts of a request that are words: of the address after `?`, and of forms.

use std::borrow::Cow;

use crate::problem::Problem;

/// Names with values, in order. Every name that is asked for is taken out; what is left at the end is unknown.
#[derive(Debug, Default)]
pub struct Words(Vec<(String, String)>);

impl Words {
    /// Of an address.
    pub fn of_query(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.map(|(name, value): (Cow<str>, Cow<str>)| (name.into_owned(), value.into_owned())).collect())
    }

    /// Adds a field of a form.
    pub fn add(&mut self, name: &str, value: String) {
        self.0.push((name.into(), value));
    }

    /// All values of a name, also those that stand in one with commas between them.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        let (found, left) = std::mem::take(&mut self.0).into_iter().partition(|(n, _)| n == name);
        self.0 = left;
        let found: Vec<(String, String)> = found;
        let values = found.iter().flat_map(|(_, value)| value.split(',')).map(|v| v.trim().to_owned());
        values.filter(|v| !v.is_empty()).collect()
    }

    fn one(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            n => Err(Problem::bad_request(format!("`{name}` is given {n} times; once is enough"))),
        }
    }

    /// Whether something is wished for.
    pub fn is(&mut self, name: &str) -> Result<bool, Problem> {
        match self.one(name)?.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(Problem::bad_request(format!("`{name}` is `{other}`: expected true or false"))),
        }
    }

    /// A number of a range.
    pub fn number(&mut self, name: &str, low: usize, high: usize) -> Result<Option<usize>, Problem> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match text.parse() {
            Ok(n) if (low..=high).contains(&n) => Ok(Some(n)),
            _ => Err(Problem::bad_request(format!("`{name}` is `{text}`: expected a number from {low} to {high}"))),
        }
    }

    /// Refuses what nobody asked for: a misspelt name would be read as its absence.
    pub fn done(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(40).collect();
                Err(Problem::bad_request(format!("`{name}` is not known; /v1/openapi.json says what is")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_out_and_what_is_left_is_refused() {
        let mut words = Words::of_query(Some("model=a%2Cb&heat_map=true&model=c&every=7&odd=1"));
        assert_eq!(words.all("model"), ["a", "b", "c"]);
        assert_eq!((words.is("heat_map").unwrap(), words.is("heat_map").unwrap()), (true, false));
        assert_eq!(words.number("every", 1, 10).unwrap(), Some(7));
        assert!(words.done().unwrap_err().detail.contains("`odd`"));
        let mut words = Words::of_query(Some("a=x&n=11&b=1&b=0"));
        assert!(words.is("a").is_err() && words.number("n", 1, 10).is_err() && words.is("b").is_err());
    }
}
