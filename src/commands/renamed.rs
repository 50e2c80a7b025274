//! Words of the command line that have a better name now. The old one does as before, with a warning.

use std::ffi::OsString;

/// Old word and the one of today.
const WORDS: [(&str, &str); 2] = [("compare-methods", "compare --table"), ("--drawn", "--synthetic")];

/// The words of a command line with the names of today, and what is to be told about it. The program's name is left alone,
/// and so is what follows `--`.
pub fn of_today(words: Vec<OsString>) -> (Vec<OsString>, Vec<String>) {
    let mut told = Vec::new();
    let mut is_over = false;
    let replaced = words.into_iter().enumerate().flat_map(|(i, word)| {
        is_over |= word == "--";
        // A command stands first; options stand anywhere.
        let known = WORDS.iter().find(|(old, _)| word == *old && (i == 1 || old.starts_with('-')));
        match known {
            Some((old, new)) if i > 0 && !is_over => {
                told.push(format!("`{old}` is called `{new}` now"));
                new.split(' ').map(OsString::from).collect()
            }
            _ => vec![word],
        }
    });
    (replaced.collect(), told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_words_are_replaced_where_they_are_words_of_the_command_line() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let (new, told) = of_today(words("ferrotype compare-methods runs/a"));
        assert_eq!(
            (new, told),
            (
                words("ferrotype compare --table runs/a"),
                vec!["`compare-methods` is called `compare --table` now".into()]
            )
        );
        let (new, told) = of_today(words("ferrotype predict compare-methods -- --drawn"));
        assert_eq!((new, told), (words("ferrotype predict compare-methods -- --drawn"), vec![]));
    }
}
