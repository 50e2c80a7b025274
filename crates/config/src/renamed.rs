//! Keys and names of experiment files that have a better name now. The old one is read as before, and the reader is told.
//!
//! An old name stays valid for good: files of years ago must still run, and resolved files of run folders hold old names.

use super::tree::{Node, Value};

/// Old path of a key, and the last part of its new path.
const KEYS: [(&str, &str); 4] = [
    ("data.longest_gap", "max_gap"),
    ("data.source.drawn_clips", "synthetic_clips"),
    ("train.fresh", "reinit"),
    ("train.thaw_at", "unfreeze_at"),
];

/// A key's path, a name that it once took, and the name of today.
const NAMES: [(&str, &str, &str); 3] = [
    ("data.split", "own_merged", "test_as_validation"),
    ("data.source", "drawn_clips", "synthetic_clips"),
    ("data.augment.preset", "system001", "emotion_detection_use_case"),
];

/// Gives old keys and names in a tree their names of today; what is to be told about it, one line each.
pub fn update(root: &mut Node) -> Vec<String> {
    let mut told = Vec::new();
    for (old, new) in KEYS {
        let (section, key) = old.rsplit_once('.').unwrap_or(("", old));
        if let Some(Value::Map(entries)) = at(root, section).map(|node| &mut node.value) {
            // Where both stand, the old one is left for the reader to refuse.
            let has_new = entries.iter().any(|entry| entry.key == new);
            for entry in entries.iter_mut().filter(|entry| entry.key == key && !has_new) {
                told.push(format!(
                    "{}: the key `{old}` is called `{}` now",
                    entry.key_place.shown(),
                    path_of(section, new)
                ));
                new.clone_into(&mut entry.key);
            }
        }
    }
    for (path, old, new) in NAMES {
        let Some(node) = at(root, path) else { continue };
        if let Value::Plain(name) | Value::Quoted(name) = &mut node.value
            && name == old
        {
            told.push(format!("{}: `{path}: {old}` is called `{new}` now", node.place.shown()));
            new.clone_into(name);
        }
    }
    told
}

/// The path of today for one that may be old, as searches and `--set` write them.
pub fn path(given: &str) -> Option<String> {
    KEYS.iter().find_map(|(old, new)| {
        let rest = given.strip_prefix(old).filter(|rest| rest.is_empty() || rest.starts_with('.'))?;
        let (section, _) = old.rsplit_once('.').unwrap_or(("", old));
        Some(format!("{}{rest}", path_of(section, new)))
    })
}

fn path_of(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// The node at a path of keys.
fn at<'a>(root: &'a mut Node, path: &str) -> Option<&'a mut Node> {
    path.split('.').filter(|key| !key.is_empty()).try_fold(root, |node, key| match &mut node.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Source, parse};
    use super::*;

    #[test]
    fn old_keys_and_names_get_those_of_today() {
        let text = "train: {thaw_at: [], fresh: [a], epochs: 1}\ndata: {split: own_merged, source: {drawn_clips: {}}, augment: {preset: system001}}\n";
        let mut root = parse(&Source::file("old.yaml", text)).unwrap();
        let told = update(&mut root);
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(
            told.contains(&"old.yaml:1:9: the key `train.thaw_at` is called `train.unfreeze_at` now".to_owned()),
            "{told:?}"
        );
        assert!(
            told.iter().any(|t| t.contains("`data.split: own_merged` is called `test_as_validation` now")),
            "{told:?}"
        );
        assert!(update(&mut root).is_empty());
    }

    #[test]
    fn both_names_at_once_are_left_as_they_are() {
        let mut root = parse(&Source::file("both.yaml", "train: {fresh: [a], reinit: [b]}")).unwrap();
        assert!(update(&mut root).is_empty());
    }

    #[test]
    fn paths_below_an_old_key_follow_it() {
        assert_eq!(path("data.source.drawn_clips.subjects").as_deref(), Some("data.source.synthetic_clips.subjects"));
        assert_eq!(path("train.fresh").as_deref(), Some("train.reinit"));
        assert_eq!((path("train.freshly"), path("train.lr")), (None, None));
    }
}
