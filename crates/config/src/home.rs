//! `~` in paths, for which a shell stands in elsewhere: not in an experiment file, nor in `--out=~/runs`.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;

/// A text that begins with `~/` with the user's home folder; any other text as it is. A folder that is itself called `~`
/// can be written `./~`.
pub(super) fn expand(text: &str) -> Cow<'_, str> {
    expand_at(text, std::env::home_dir().as_deref())
}

fn expand_at<'t>(text: &'t str, home: Option<&Path>) -> Cow<'t, str> {
    // Alone it is YAML's null, and a word of a description.
    let below = text.strip_prefix('~').filter(|rest| rest.starts_with('/'));
    match (below, home.and_then(Path::to_str)) {
        (Some(rest), Some(home)) if !home.is_empty() => Cow::Owned(format!("{}{rest}", home.trim_end_matches('/'))),
        _ => Cow::Borrowed(text),
    }
}

/// The words of a command line, with the home folder where `~/` begins a word, an option's value (`--out=~/runs`) or a
/// key's (`--set data.path=~/faces.h5`).
pub fn expand_words(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    words.into_iter().map(|word| word.to_str().map_or_else(|| word.clone(), |text| expand_word(text).into())).collect()
}

fn expand_word(word: &str) -> String {
    match word.split_once('=') {
        Some((name, value)) if !name.starts_with('~') => format!("{name}={}", expand(value)),
        _ => expand(word).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_tilde_is_the_home_folder() {
        let home = Some(Path::new("/home/ada"));
        for (text, wanted) in [
            ("~/runs", "/home/ada/runs"),
            ("~", "~"),
            ("a/~/b", "a/~/b"),
            ("~bob/runs", "~bob/runs"),
            ("./~", "./~"),
            ("", ""),
        ] {
            assert_eq!(expand_at(text, home), wanted, "{text}");
        }
        assert_eq!(expand_at("~/runs", None), "~/runs");
    }

    #[test]
    fn options_and_keys_have_their_values_expanded() {
        let Some(home) = std::env::home_dir() else { return };
        let home = home.display().to_string();
        let words = ["train", "--out=~/runs", "data.path=~/f.h5", "~/a=b", "--class", "a=b~/c"].map(OsString::from);
        let wanted = [
            "train".to_owned(),
            format!("--out={home}/runs"),
            format!("data.path={home}/f.h5"),
            format!("{home}/a=b"),
            "--class".into(),
            "a=b~/c".into(),
        ];
        assert_eq!(expand_words(words), wanted.map(OsString::from));
    }
}
