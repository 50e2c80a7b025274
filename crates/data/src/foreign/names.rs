//! Which file belongs to a row: a file is its path below a folder, not its last name, which several may have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use crate::listing;

/// Names that are paths, with `/` between their parts, found by their whole or by their end.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: Vec<String>,
    /// In lower case and without an ending, by the last part without its ending.
    by_last: BTreeMap<String, Vec<usize>>,
}

/// Whether a file's path goes by a name.
type Rule<'a> = &'a (dyn Fn(&str, &str) -> bool + 'a);

impl Names {
    /// Of these names.
    pub fn new(names: Vec<String>) -> Self {
        let mut by_last = BTreeMap::<String, Vec<usize>>::new();
        for (i, name) in names.iter().enumerate() {
            for key in [last(name), last(without_ending(name))] {
                let places = by_last.entry(key.to_lowercase()).or_default();
                if places.last() != Some(&i) {
                    places.push(i);
                }
            }
        }
        Self { names, by_last }
    }

    /// The names.
    pub fn all(&self) -> &[String] {
        &self.names
    }

    /// The place of the name that is `wanted`, or of the only one that ends in it (`sad/001` and `001` mean `clips/sad/001.mp4`).
    /// Its ending may be left out on either side. What is written alike goes before what differs in case.
    ///
    /// # Errors
    /// When several names fit equally well; they are listed.
    pub fn find(&self, wanted: &str) -> Result<Option<usize>> {
        let wanted = clean(wanted);
        let Some(places) = self.by_last.get(&last(&wanted).to_lowercase()) else { return Ok(None) };
        let bare = |name: &str, other: &str| without_ending(name) == other;
        let ends = |name: &str, end: &str| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('/'));
        let rules: [Rule; 4] = [
            &|name, wanted| name == wanted,
            &|name, wanted| bare(name, wanted),
            &|name, wanted| ends(name, wanted),
            &|name, wanted| ends(without_ending(name), wanted),
        ];
        let lower = wanted.to_lowercase();
        for whole in [&rules[..2], &rules[2..]] {
            for rule in whole {
                let exact: Vec<usize> = places.iter().copied().filter(|&i| rule(&self.names[i], &wanted)).collect();
                let alike = |i: &usize| rule(&self.names[*i].to_lowercase(), &lower);
                let found = if exact.is_empty() { places.iter().copied().filter(alike).collect() } else { exact };
                match found.as_slice() {
                    [] => {}
                    [one] => return Ok(Some(*one)),
                    several => {
                        let names: Vec<&str> = several.iter().map(|&i| self.names[i].as_str()).collect();
                        bail!("`{wanted}` may be {}: write as much of the path as tells them apart", listed(&names, 6));
                    }
                }
            }
        }
        Ok(None)
    }
}

/// Files below a folder by their paths below it.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
    endings: Vec<String>,
    paths: Vec<PathBuf>,
    names: Names,
}

impl Files {
    /// Searches a folder with its sub-folders for files with one of these endings (in lower case); hidden ones are passed
    /// over.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn below(root: &Path, endings: &[&str]) -> Result<Self> {
        ensure!(root.is_dir(), "{} is not a folder", root.display());
        let of_kind = |path: &PathBuf| {
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            endings.contains(&ending.as_str())
        };
        let mut paths: Vec<PathBuf> = listing::below(root)?.into_iter().filter(of_kind).collect();
        paths.sort();
        let names = Names::new(paths.iter().map(|path| below(root, path)).collect());
        let endings = endings.iter().map(|e| (*e).to_owned()).collect();
        Ok(Self { root: root.to_path_buf(), endings, paths, names })
    }

    /// The files in the order of their paths.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Their paths below the folder, with `/`.
    pub fn names(&self) -> &[String] {
        self.names.all()
    }

    /// The place of a file by [`Names::find`]. A path may also begin with the last folders of the root, or end in another
    /// of the endings that were searched for.
    ///
    /// # Errors
    /// When several files fit equally well; they are listed.
    pub fn find(&self, wanted: &str) -> Result<Option<usize>> {
        let direct = self.root.join(wanted.replace('\\', "/"));
        if let Ok(place) = self.paths.binary_search(&direct) {
            return Ok(Some(place));
        }
        let wanted = clean(wanted);
        let recoded = wanted.rsplit_once('.').filter(|(_, ending)| self.endings.contains(&ending.to_lowercase()));
        let tries = [Some(wanted.clone()), self.without_root(&wanted), recoded.map(|(stem, _)| stem.to_owned())];
        for name in tries.into_iter().flatten() {
            let found = self.names.find(&name).with_context(|| format!("below {}", self.root.display()))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// `sad/001.mp4` of `clips/sad/001.mp4`, for the root `data/clips`.
    fn without_root(&self, wanted: &str) -> Option<String> {
        let root: Vec<String> = parts(&self.root).map(|p| p.to_lowercase()).collect();
        let words: Vec<&str> = wanted.split('/').collect();
        let fits = |n: &usize| words[..*n].iter().map(|w| w.to_lowercase()).eq(root[root.len() - n..].iter().cloned());
        let n = (1..words.len().min(root.len() + 1)).rev().find(fits)?;
        Some(words[n..].join("/"))
    }
}

/// A short name for each path: its last part without the ending where no other path has it, else as much of the path as
/// tells it from the others, with the ending where even that is needed.
pub fn short_names(paths: &[String]) -> Vec<String> {
    let mut count = BTreeMap::<String, usize>::new();
    for path in paths {
        *count.entry(last(without_ending(path)).to_lowercase()).or_default() += 1;
    }
    let shared = |path: &String| count[&last(without_ending(path)).to_lowercase()] > 1;
    let mut bare = BTreeMap::<String, usize>::new();
    for path in paths.iter().filter(|path| shared(path)) {
        *bare.entry(without_ending(path).to_lowercase()).or_default() += 1;
    }
    let short = |path: &String| match (shared(path), without_ending(path)) {
        (false, name) => last(name).to_owned(),
        (true, name) if bare[&name.to_lowercase()] == 1 => name.to_owned(),
        (true, _) => path.clone(),
    };
    paths.iter().map(short).collect()
}

/// A file's path below a folder, with `/`.
fn below(root: &Path, path: &Path) -> String {
    parts(path.strip_prefix(root).unwrap_or(path)).collect::<Vec<_>>().join("/")
}

fn parts(path: &Path) -> impl Iterator<Item = String> + '_ {
    let plain = |part: std::path::Component| match part {
        std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    };
    path.components().filter_map(plain)
}

/// With `/` between the parts, and none before the first.
fn clean(name: &str) -> String {
    let name = name.trim().replace('\\', "/");
    name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `a/b` of `a/b.mp4`; a dot that begins a name or has a blank behind it begins no ending.
fn without_ending(name: &str) -> &str {
    let at = name.len() - last(name).len();
    match name[at..].rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.is_empty() && !ending.contains(' ') => {
            &name[..at + stem.len()]
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Names {
        Names::new(all.iter().map(|s| (*s).to_owned()).collect())
    }

    #[test]
    fn a_file_is_its_path_and_its_last_name_only_where_that_is_unique() {
        let n = names(&["happy/001.mp4", "sad/001.mp4", "sad/Two.avi", "deep/er/a.b.mp4", "001.mov"]);
        let found = |wanted: &str| n.find(wanted).unwrap();
        assert_eq!(found("sad/001"), Some(1));
        assert_eq!(found("happy\\001.mp4"), Some(0));
        assert_eq!(found("./SAD/two"), Some(2));
        assert_eq!(found("two.avi"), Some(2));
        assert_eq!(found("er/a.b"), Some(3));
        // The path below the root is the identity: this one has no folder.
        assert_eq!(found("001"), Some(4));
        // Of several, the ending tells which.
        assert_eq!(n.find("angry/001").unwrap(), None);
        assert_eq!(found("ad/001"), None);
        let message = n.find("001.mp4").unwrap_err().to_string();
        assert!(message.contains("happy/001.mp4, sad/001.mp4"), "{message}");
        let two = names(&["a/x.mp4", "a/x.avi"]);
        assert!(two.find("a/x").unwrap_err().to_string().contains("a/x.mp4, a/x.avi"));
        assert_eq!(two.find("a/x.avi").unwrap(), Some(1));
    }

    #[test]
    fn files_are_found_below_their_root_and_through_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("clips");
        for name in ["happy/001.mp4", "sad/001.mp4", "sad/.hidden.mp4", "sad/note.txt"] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let files = Files::below(&root, &["mp4"]).unwrap();
        assert_eq!(files.names(), ["happy/001.mp4", "sad/001.mp4"]);
        assert_eq!(files.find("clips/sad/001.mp4").unwrap(), Some(1));
        assert_eq!(files.find(&root.join("happy/001.mp4").display().to_string()).unwrap(), Some(0));
        assert_eq!(files.find("other/sad/001.mp4").unwrap(), None);
        assert_eq!(files.find("sad/001.mov").unwrap(), None);
        let message = format!("{:#}", files.find("001").unwrap_err());
        assert!(message.contains("clips") && message.contains("sad/001.mp4"), "{message}");
    }

    #[test]
    fn short_names_are_unique() {
        let paths = ["s1/a.mp4", "s1/x.mp4", "s2/X.mp4", "s3/y.mp4", "s3/y.avi"].map(str::to_owned);
        assert_eq!(short_names(&paths), ["a", "s1/x", "s2/X", "s3/y.mp4", "s3/y.avi"]);
    }
}
