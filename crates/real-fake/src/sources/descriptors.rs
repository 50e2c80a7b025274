//! Published descriptors of whole clips: a folder or archive of `.npy` files in the form of savasozkan/real-fake-emotions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;
use ferrotype_base::{lfs, npy, zip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::au_tables::{files_below, name_of};
use super::{part_word, place_of};
use crate::clip::{Clip, ClipSet, Part};

/// What the names of the files end in.
const ENDING: &str = ".npy";
/// Largest file that is read: a descriptor has a few thousand values.
const LARGEST: usize = 16 << 20;

/// Descriptors of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescriptorsOptions {
    /// The folder, or the zip archive of it: `<emotion>/<train, val or test>/<id>.<label>.npy.tf.npy`, with the label 1 for
    /// real and 0 for fake, and none where the truth is not public.
    pub path: PathBuf,
}

impl DescriptorsOptions {
    /// Impossible options.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        if self.path.as_os_str().is_empty() {
            return vec![("path", "is empty; expected a folder or a zip archive".into())];
        }
        Vec::new()
    }
}

/// Reads the clips.
pub(super) fn read(options: &DescriptorsOptions) -> Result<ClipSet> {
    let path = &options.path;
    ensure!(path.exists(), "data.source.descriptors.path: there is no file or folder {}", path.display());
    let mut set = ClipSet::default();
    let (mut strange, mut places) = (Vec::new(), Vec::new());
    lfs::refuse_file(path)?;
    if path.is_dir() {
        let mut files = Vec::new();
        files_below(path, "npy", &mut files)?;
        for file in files {
            lfs::refuse_file(&file)?;
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            // The extension is a part of the form.
            let name = format!("{}{ENDING}", name_of(path, &file));
            add(&mut set, &name, Cow::Owned(bytes), &mut strange, &mut places)
                .with_context(|| file.display().to_string())?;
        }
    } else {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let members =
            zip::members(&bytes).with_context(|| format!("{} cannot be read as a zip archive", path.display()))?;
        for member in members.iter().filter(|m| m.name.ends_with(ENDING)) {
            let content = member.content(LARGEST).with_context(|| path.display().to_string())?;
            add(&mut set, &member.name, content, &mut strange, &mut places)
                .with_context(|| format!("{}, {}", path.display(), member.name))?;
        }
    }
    ensure!(
        !set.clips.is_empty(),
        "{} holds no descriptors: files named <emotion>/<train, val or test>/<id>.<label>.npy.tf.npy are expected",
        path.display()
    );
    tell_apart(&mut set, &places)?;
    if !strange.is_empty() {
        set.notes.push(format!("{} .npy files of other names were left out: {}", strange.len(), listed(&strange, 4)));
    }
    set.notes.push("descriptors say nothing of the length of clips, so the length baseline is missing".into());
    Ok(set)
}

/// Clips that share an emotion and a name in different folders are called by their whole paths.
fn tell_apart(set: &mut ClipSet, places: &[String]) -> Result<()> {
    let mut count = BTreeMap::<String, usize>::new();
    for clip in &set.clips {
        *count.entry(clip.name.clone()).or_default() += 1;
    }
    let mut seen = BTreeMap::<String, &String>::new();
    for (clip, place) in set.clips.iter_mut().zip(places) {
        if count[&clip.name] > 1 {
            let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
            let id = clip.name.rsplit_once('/').map_or("", |(_, id)| id);
            clip.name = format!("{folder}/{id}");
        }
        if let Some(other) = seen.insert(clip.name.clone(), place) {
            bail!("{other} and {place} are descriptors of the same clip, {}: leave one of them out", clip.name);
        }
    }
    Ok(())
}

/// Adds a file's clip, and its path to the places.
fn add(
    set: &mut ClipSet,
    name: &str,
    bytes: Cow<[u8]>,
    strange: &mut Vec<String>,
    places: &mut Vec<String>,
) -> Result<()> {
    let Some(named) = parse(name)? else {
        strange.push(name.to_owned());
        return Ok(());
    };
    let array = npy::read(&bytes)?;
    ensure!(!array.values.is_empty(), "the descriptor is empty");
    let emotion = place_of(&mut set.emotions, named.emotion);
    places.push(name.to_owned());
    set.clips.push(Clip {
        name: format!("{}/{}", named.emotion, named.id),
        subject: None,
        emotion: Some(emotion),
        real: named.real,
        part: named.part,
        seconds: 0.0,
        units: None,
        landmarks: None,
        descriptor: Some(array.values.iter().map(|&v| v as f32).collect()),
        video: None,
    });
    Ok(())
}

/// What a file's path says.
struct Named<'a> {
    emotion: &'a str,
    part: Part,
    id: &'a str,
    real: Option<bool>,
}

/// `features/anger/val/0123456789_ANGER.1.npy.tf.npy`; `None` for other names.
fn parse(name: &str) -> Result<Option<Named<'_>>> {
    let mut words = name.rsplit('/');
    let (Some(file), Some(part), Some(emotion)) = (words.next(), words.next(), words.next()) else { return Ok(None) };
    let Some(part) = part_word(part) else { return Ok(None) };
    let stem = file.strip_suffix(".npy.tf.npy").or(file.strip_suffix(ENDING)).unwrap_or(file);
    let (id, real) = match stem.rsplit_once('.') {
        None => (stem, None),
        Some((id, "1")) => (id, Some(true)),
        Some((id, "0")) => (id, Some(false)),
        Some((_, label)) => bail!("its label is `{label}`, neither 1 (real) nor 0 (fake)"),
    };
    ensure!(!id.is_empty(), "it has no name before its label");
    Ok(Some(Named { emotion, part, id, real }))
}

/// Whether a path is a place that such descriptors are read from.
pub(super) fn at(path: &Path) -> DescriptorsOptions {
    DescriptorsOptions { path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrotype_run::numpy::Array;

    fn files() -> Vec<(String, Vec<u8>)> {
        let file = |name: &str, value: f32| (name.to_owned(), Array::f32(&[1, 3], &[value, -1.0, 0.5]).npy());
        vec![
            file("features/anger/train/7.N2A.1.npy.tf.npy", 1.0),
            file("features/anger/train/7.H2N2A.0.npy.tf.npy", 2.0),
            file("features/contentment/val/0123456789_CONTENTMENT.0.npy.tf.npy", 3.0),
            file("features/contentment/test/1123456789_CONTENTMENT.npy.tf.npy", 4.0),
            file("features/readme.npy", 5.0),
        ]
    }

    fn check(set: &ClipSet) {
        let seen: Vec<_> = set.clips.iter().map(|c| (c.name.as_str(), c.real, c.part)).collect();
        let mut wanted = [
            ("anger/7.H2N2A", Some(false), Part::Training),
            ("anger/7.N2A", Some(true), Part::Training),
            ("contentment/1123456789_CONTENTMENT", None, Part::Test),
            ("contentment/0123456789_CONTENTMENT", Some(false), Part::Validation),
        ];
        let mut seen = seen;
        seen.sort_by_key(|s| s.0);
        wanted.sort_by_key(|s| s.0);
        assert_eq!(seen, wanted);
        assert_eq!(set.emotions, ["anger", "contentment"]);
        assert_eq!(set.clips[0].descriptor.as_ref().unwrap().len(), 3);
        assert!(set.notes[0].contains("1 .npy files of other names"), "{:?}", set.notes);
    }

    #[test]
    fn folders_and_archives_give_the_same_clips() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files() {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        check(&read(&at(folder.path())).unwrap());
        let archive = folder.path().join("features.zip");
        std::fs::write(&archive, zip::archive(files()).unwrap()).unwrap();
        check(&read(&at(&archive)).unwrap());
    }

    #[test]
    fn clips_of_one_name_in_two_folders_stay_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let good = files()[0].1.clone();
        let of = |names: &[&str]| {
            let files = names.iter().map(|name| ((*name).to_owned(), good.clone())).collect::<Vec<_>>();
            std::fs::write(&path, zip::archive(files).unwrap()).unwrap();
            read(&at(&path))
        };
        let set = of(&["a/anger/train/7.1.npy", "a/anger/val/7.0.npy", "a/anger/val/8.0.npy"]).unwrap();
        let names: Vec<&str> = set.clips.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a/anger/train/7", "a/anger/val/7", "anger/8"]);
        let message = of(&["anger/train/7.1.npy", "anger/train/7.0.npy"]).unwrap_err().to_string();
        assert!(message.contains("7.1.npy and anger/train/7.0.npy are descriptors of the same clip"), "{message}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |files: Vec<(String, Vec<u8>)>| {
            let path = folder.path().join("a.zip");
            std::fs::write(&path, zip::archive(files).unwrap()).unwrap();
            format!("{:#}", read(&at(&path)).unwrap_err())
        };
        let good = files()[0].1.clone();
        let one = |name: &str, bytes: &[u8]| refused(vec![(name.to_owned(), bytes.to_vec())]);
        assert!(one("anger/train/7.maybe.npy.tf.npy", &good).contains("its label is `maybe`"));
        assert!(one("anger/train/7.1.npy.tf.npy", &good[..60]).contains("cut off"));
        assert!(one("a.npy", &good).contains("holds no descriptors"));
        assert!(
            format!("{:#}", read(&at(Path::new("no.zip"))).unwrap_err()).contains("there is no file or folder no.zip")
        );
    }

    #[ferrotype_needs::needs(data)]
    #[test]
    fn the_published_descriptors_are_read() {
        let path = ferrotype_data::real_data::data_folder().join("sase_fe/features.zip");
        let set = read(&at(&path)).unwrap();
        let count =
            |part: Part, real: Option<bool>| set.clips.iter().filter(|c| (c.part, c.real) == (part, real)).count();
        assert_eq!((count(Part::Training, Some(true)), count(Part::Training, Some(false))), (240, 240));
        assert_eq!((count(Part::Validation, Some(true)), count(Part::Validation, Some(false))), (30, 30));
        assert_eq!((count(Part::Test, None), set.emotions.len()), (60, 6));
        assert!(set.clips.iter().all(|c| c.descriptor.as_ref().is_some_and(|d| d.len() == 512)));
    }
}
