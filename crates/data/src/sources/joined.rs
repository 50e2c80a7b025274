//! Several prepared files as one: the composite of datasets of one form, each of them a group.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ferrotype_base::digest::sha256_file;

use crate::options::JoinedOptions;
use crate::{FaceSet, Provenance, store};

/// Reads the files, and puts their rows one file behind the other. Rows of a file without groups have its source's name as group.
pub(super) fn load(options: &JoinedOptions) -> Result<FaceSet> {
    ensure!(options.files.len() >= 2, "at least two files are joined; {} was named", options.files.len());
    let mut all: Option<FaceSet> = None;
    let mut people: BTreeMap<String, &Path> = BTreeMap::new();
    for path in &options.files {
        let shown = path.display().to_string();
        let mut set = store::read(path)?;
        ensure!(
            set.votes.is_none() && set.targets.is_none(),
            "{shown} has votes or typed targets, which are not joined"
        );
        ensure!(
            set.shards.is_none(),
            "{shown} keeps its pictures in shards; files are joined whose pictures fit into memory"
        );
        let digest = sha256_file(path).with_context(|| format!("cannot read {shown}"))?;
        set.provenance.motion = set.motion();
        set.provenance.files = vec![(shown.clone(), digest)];
        set.provenance.notes.iter_mut().for_each(|note| *note = format!("{}: {note}", set.provenance.source));
        set.groups.get_or_insert_with(|| vec![set.provenance.source.clone(); set.labels.len()]);
        for person in set.subjects.iter().flatten().filter(|s| !s.is_empty()) {
            let first = *people.entry(person.to_lowercase()).or_insert(path);
            ensure!(
                first == path,
                "{shown} and {} both have a subject {person}: leaving one out would leave out the other",
                first.display()
            );
        }
        match &mut all {
            None => all = Some(set),
            Some(all) => append(all, set)
                .with_context(|| format!("{shown} cannot be joined to {}", options.files[0].display()))?,
        }
    }
    let Some(mut all) = all else { unreachable!("there are two files") };
    all.source_rows = (0..all.len() as u32).collect();
    all.provenance = Provenance {
        synthetic: all.provenance.synthetic,
        labelled_by: all.provenance.labelled_by,
        files: all.provenance.files,
        notes: all.provenance.notes,
        motion: all.provenance.motion,
        ..Provenance::default()
    };
    Ok(all)
}

fn append(all: &mut FaceSet, set: FaceSet) -> Result<()> {
    let shape = |s: &FaceSet| [s.images.height, s.images.width, s.images.channels];
    let (one, other) = (shape(all), shape(&set));
    ensure!(one == other, "it has pictures of {other:?} (height, width, channels), and the first file of {one:?}");
    ensure!(
        all.classes == set.classes,
        "it has the classes {}, and the first file {}",
        set.classes.join(", "),
        all.classes.join(", ")
    );
    let channels = [&*all, &set].map(|s| s.motion().map_or("pictures", |form| form.name()));
    ensure!(channels[0] == channels[1], "it holds {}, and the first file {}", channels[1], channels[0]);
    ensure!(all.subjects.is_some() == set.subjects.is_some(), "one of them has subjects, the other has none");
    // Made in two ways, pictures have no one way to be made in.
    if all.provenance.motion != set.provenance.motion {
        all.provenance.motion.iter_mut().for_each(|form| form.made = None);
    }
    all.images.pixels.extend(set.images.pixels);
    all.labels.extend(set.labels);
    all.splits.extend(set.splits);
    all.names.extend(set.names);
    all.source_rows.extend(set.source_rows);
    if let (Some(all), Some(set)) = (&mut all.subjects, set.subjects) {
        all.extend(set);
    }
    if let (Some(all), Some(set)) = (&mut all.groups, set.groups) {
        all.extend(set);
    }
    all.provenance.synthetic |= set.provenance.synthetic;
    all.provenance.files.extend(set.provenance.files);
    all.provenance.notes.extend(set.provenance.notes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::MotionForm;
    use crate::options::MotionInput;
    use crate::{Images, Split};

    fn set(source: &str, person: &str, first: u8) -> FaceSet {
        FaceSet {
            images: Images { pixels: (0..24).map(|i| first + i).collect(), height: 2, width: 2, channels: 3 },
            labels: vec![0, 1],
            classes: vec!["negative".into(), "positive".into()],
            splits: vec![Split::Unassigned; 2],
            subjects: Some(vec![person.into(); 2]),
            names: vec![format!("{source}/a"), format!("{source}/b")],
            source_rows: vec![4, 9],
            provenance: Provenance {
                source: source.into(),
                notes: vec!["a note".into()],
                motion: Some(MotionForm::published(MotionInput::Signed)),
                ..Provenance::default()
            },
            ..FaceSet::default()
        }
    }

    #[test]
    fn rows_stand_behind_each_other_and_files_are_groups() {
        let dir = tempfile::tempdir().unwrap();
        let options = JoinedOptions { files: ["a.h5", "b.h5"].map(|name| dir.path().join(name)).to_vec() };
        let write = |i: usize, set: &FaceSet| store::write(set, &options.files[i]).unwrap();
        write(0, &set("smic", "s01", 0));
        write(1, &set("samm", "006", 100));
        let all = load(&options).unwrap();
        assert_eq!(all.images.pixels[..2], [0, 1]);
        assert_eq!(all.images.get(2)[..3], [100, 101, 102]);
        assert_eq!(all.groups.as_ref().unwrap(), &["smic", "smic", "samm", "samm"]);
        assert_eq!((all.subjects.as_ref().unwrap()[2].as_str(), all.labels.as_slice()), ("006", &[0i16, 1, 0, 1][..]));
        assert_eq!(all.provenance.notes, ["smic: a note", "samm: a note"]);
        assert_eq!(all.motion().unwrap().name(), "flow_signed");
        assert_eq!(all.source_rows, [0, 1, 2, 3]);

        let refused = |change: fn(&mut FaceSet), says: &str| {
            let mut other = set("samm", "006", 100);
            change(&mut other);
            write(1, &other);
            let said = format!("{:#}", load(&options).unwrap_err());
            assert!(said.contains(says), "{says}: {said}");
        };
        refused(|s| s.subjects = Some(vec!["S01".into(), "006".into()]), "both have a subject S01");
        refused(|s| s.classes[1] = "surprise".into(), "it has the classes negative, surprise");
        refused(|s| s.provenance.motion = None, "it holds pictures, and the first file flow_signed");
        refused(|s| (s.images.height, s.images.width) = (1, 4), "pictures of [1, 4, 3]");
        refused(|s| s.subjects = None, "has subjects");
        let one = JoinedOptions { files: options.files[..1].to_vec() };
        assert!(load(&one).unwrap_err().to_string().contains("at least two"));
    }
}
