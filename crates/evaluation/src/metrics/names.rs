//! Metrics by the names that experiment files have for them.

use ferrotype_base::problems::{Problems, nearest};

use super::{ALIASES, all};

/// The names by which an experiment file may ask for a metric: those of [`all`], then the other names that are understood.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|m| m.name()).chain(ALIASES.iter().map(|&(alias, _)| alias)).collect()
}

/// What to say of a name that no metric has.
pub fn unknown(found: &str) -> Option<String> {
    let names = names();
    if names.contains(&found) {
        return None;
    }
    let meant =
        nearest(found, names.iter().copied()).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Some(format!("unknown metric {found:?}{meant} (known: {})", names.join(", ")))
}

/// A problem where a key does not name a metric.
pub fn check(p: &mut Problems, path: &str, found: &str) {
    if let Some(message) = unknown(found) {
        p.add(path, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn every_name_that_a_file_may_have_is_found() {
        for name in names() {
            assert!(find(name).is_ok() && unknown(name).is_none(), "{name}");
        }
        assert!(unknown("acuracy").unwrap().contains("did you mean `accuracy`"));
        assert_eq!(unknown("sharpness").is_some(), find("sharpness").is_err());
    }
}
