//! Sets in pieces against the same sets in memory.

use std::fs;
use std::time::SystemTime;

use super::*;
use crate::clips::{example, face_set};
use crate::options::{DataOptions, SegmentOptions, SegmentRule};
use crate::task::{Seen, Task};
use crate::{Batch, FaceSet, NO_PICTURE};
use ferrotype_base::random::Stream;

const SIZE: usize = 60;
const LENGTHS: [usize; 8] = [20, 12, 36, 9, 15, 18, 24, 16];

fn small() -> StorageOptions {
    StorageOptions::default()
}

fn pieces() -> StorageOptions {
    StorageOptions { shard_mb: Some(1), ..small() }
}

/// Clips of noise, with each a file of its own.
struct Clips {
    whole: ClipSet,
    files: Vec<PathBuf>,
}

impl Clips {
    fn make(dir: &Path) -> Self {
        let mut stream = Stream::new(7);
        let (mut whole, mut files) = (ClipSet::default(), Vec::new());
        for (number, &length) in LENGTHS.iter().enumerate() {
            let mut clip = example::set(&[length]);
            clip.size = SIZE;
            for part in &mut clip.parts {
                part.pixels = (0..length * SIZE * SIZE * 3 / 8).flat_map(|_| stream.bits().to_le_bytes()).collect();
            }
            clip.clips[0] = Clip {
                name: format!("S{number:03}"),
                subject: format!("S{:03}", number % 4),
                label: (number % 2) as i16,
                ..clip.clips[0].clone()
            };
            (clip.skipped, clip.provenance) = (Vec::new(), Default::default());
            let file = dir.join(format!("{number}.h5"));
            store::write(&clip, &file).unwrap();
            files.push(file);
            whole.append(clip).unwrap();
        }
        whole.check().unwrap();
        Self { whole, files }
    }

    fn index(&self) -> ClipSet {
        let mut index = self.whole.clone();
        index.parts.iter_mut().for_each(|part| part.pixels = Vec::new());
        index
    }

    fn join(&self, out: &Path, storage: &StorageOptions) -> Result<ClipSet> {
        join(self.index(), &self.files, out, storage)
    }
}

fn shards(out: &Path) -> Vec<(String, SystemTime)> {
    let entries = fs::read_dir(folder_of(out)).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries
        .map(|e| (e.file_name().to_string_lossy().into_owned(), e.metadata().unwrap().modified().unwrap()))
        .collect();
    all.sort();
    all
}

fn task(path: &Path) -> Task {
    let options: DataOptions = serde_json::from_value(serde_json::json!({
        "path": path,
        "clips": {"parts": ["full_face", "mouth"], "frames": 5, "segments": {"windows": {"stride": 3}}},
        "split": {"clip_holdout": {"validation": 0.25, "test": 0.25}},
        "preprocess": {"size": 32, "colour": "bgr", "scale": "signed"},
        "augment": {"flip": 0.5, "rotate": 10.0, "brightness": 0.2},
    }))
    .unwrap();
    Task::prepare(&options, 1, |_, _, _| unreachable!("it is there")).unwrap()
}

fn hands_out(task: &Task) -> Vec<Batch> {
    let training = task.training_loader(8, 1).unwrap();
    let testing = task.test.evaluation_loader(8).unwrap();
    let epochs = [training.epoch(0, 0), training.epoch(1, 0), testing.epoch(0, 0)];
    epochs.into_iter().flatten().map(Result::unwrap).collect()
}

#[test]
fn sets_in_pieces_give_what_sets_in_memory_give() {
    let dir = tempfile::tempdir().unwrap();
    let clips = Clips::make(dir.path());
    let [plain, memory, out] = ["plain.h5", "memory.h5", "pieces.h5"].map(|name| dir.path().join(name));
    // A small set has the bytes that it had when it was written at once.
    store::write(&clips.whole, &plain).unwrap();
    let without_pixels = clips.join(&memory, &small()).unwrap();
    assert!(fs::read(&plain).unwrap() == fs::read(&memory).unwrap());
    assert!(without_pixels == clips.index() && !folder_of(&memory).exists());

    let written = clips.join(&out, &pieces()).unwrap();
    assert!(store::summary(&out).unwrap() == written);
    let lists = &written.pieces.as_ref().unwrap().shards.list().shards;
    // 150 frames of 10,800 bytes: two shards of a MiB for each part, and nothing but them.
    assert_eq!((lists.len(), shards(&out).len()), (4, 4));
    assert!(store::read(&out, None).unwrap() == clips.whole);
    let face = [Component::FullFace];
    assert!(store::read(&out, Some(&face)).unwrap() == store::read(&memory, Some(&face)).unwrap());
    let page = super::super::describe(&written);
    assert!(page.contains("pieces.h5.shards: raw, 4 shards, 3.1 MiB"), "{page}");

    let whole = SegmentOptions {
        parts: vec![Component::FullFace, Component::Mouth],
        frames: 18,
        segments: SegmentRule::Whole,
        max_segments: None,
    };
    let one = SegmentOptions { parts: vec![Component::Mouth], ..whole.clone() };
    for options in [whole, one] {
        let (a, b): (FaceSet, FaceSet) = (face_set(&memory, &options).unwrap(), face_set(&out, &options).unwrap());
        assert!(b.images.pixels.is_empty() && a.pictures() == b.pictures());
        assert!(a.segments.as_ref().unwrap().pictures.contains(&NO_PICTURE) && a.segments == b.segments);
        assert!((0..a.pictures()).all(|n| a.picture(n).unwrap() == b.picture(n).unwrap()));
        assert_eq!(a.images_sha256(), b.images_sha256());
        assert!(b.into_memory().unwrap() == a);
    }
    let (mut a, b) = (task(&memory), task(&out));
    assert!(b.train.faces.shards.is_some());
    a.facts.path.clone_from(&b.facts.path);
    assert_eq!(a.facts, b.facts);
    assert!(hands_out(&a) == hands_out(&b));
    let (seen, same) = (Seen::of(&a.train, &[&a.validation]), Seen::of(&b.train, &[&b.validation]));
    assert!(!seen.is_empty() && seen == same && seen.rows(&a.test) == same.rows(&b.test));

    // Small again, it needs no shards.
    clips.join(&out, &small()).unwrap();
    assert!(!folder_of(&out).exists() && fs::read(&out).unwrap() == fs::read(&plain).unwrap());
}

#[test]
fn a_joining_that_was_ended_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let clips = Clips::make(dir.path());
    let [whole, out] = ["whole.h5", "killed.h5"].map(|name| dir.path().join(name));
    clips.join(&whole, &pieces()).unwrap();
    // Something is in the way of the file, which is written when all shards are there.
    fs::create_dir_all(out.join("in the way")).unwrap();
    assert!(clips.join(&out, &pieces()).is_err());
    fs::remove_dir_all(&out).unwrap();
    let before = shards(&out);
    let raw: Vec<&(String, SystemTime)> = before.iter().filter(|(name, _)| name.ends_with(".raw")).collect();
    assert_eq!((raw.len(), before.len()), (4, 8));
    // As if killed within the second shard of a part.
    for (name, _) in raw.iter().filter(|(name, _)| name.contains("-00001.")) {
        let path = folder_of(&out).join(name);
        fs::remove_file(path.with_extension("json")).unwrap();
        fs::write(path.with_extension("raw.part"), "half").unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    clips.join(&out, &pieces()).unwrap();
    assert!(fs::read(&out).unwrap() == fs::read(&whole).unwrap());
    let (after, wanted) = (shards(&out), shards(&whole));
    let names = |all: &[(String, SystemTime)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&wanted));
    let bytes = |file: &Path, name: &str| fs::read(folder_of(file).join(name)).unwrap();
    assert!(after.iter().all(|(name, _)| bytes(&out, name) == bytes(&whole, name)));
    // The first shard of each part was not written again.
    let firsts = raw.iter().filter(|(name, _)| name.contains("-00000."));
    assert_eq!(firsts.filter(|shard| after.contains(shard)).count(), 2);
    assert!(store::read(&out, None).unwrap() == clips.whole);
}

#[test]
fn damage_is_said_with_the_name_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let clips = Clips::make(dir.path());
    let out = dir.path().join("pieces.h5");
    let written = clips.join(&out, &pieces()).unwrap();
    let list = written.pieces.unwrap().shards.list().clone();
    let shard = folder_of(&out).join(&list.shards[1].name);
    let options = SegmentOptions { parts: vec![Component::Mouth], ..SegmentOptions::default() };
    let whole = fs::read(&shard).unwrap();
    let said = |error: anyhow::Error| format!("{error:#}");

    let mut bytes = whole.clone();
    bytes[17] ^= 4;
    fs::write(&shard, &bytes).unwrap();
    let number = list.shards[0].rows as usize;
    let wrong = said(face_set(&out, &options).unwrap().picture(number).unwrap_err());
    assert!(wrong.contains(&format!("picture {number} in")) && wrong.contains("-00001.raw is damaged"), "{wrong}");
    let wrong = said(store::read(&out, None).unwrap_err());
    assert!(wrong.contains("-00001.raw is damaged"), "{wrong}");
    fs::write(&shard, &whole[..whole.len() - 1]).unwrap();
    for wrong in [store::read(&out, None).err(), store::summary(&out).err(), face_set(&out, &options).err()] {
        let wrong = said(wrong.unwrap());
        assert!(wrong.contains("-00001.raw has") && wrong.contains("are expected"), "{wrong}");
    }
    // Of the other part all is there.
    let other = SegmentOptions { parts: vec![Component::FullFace], ..options.clone() };
    assert!(face_set(&out, &other).is_ok());
    fs::remove_file(&shard).unwrap();
    let wrong = said(face_set(&out, &options).unwrap_err());
    assert!(wrong.contains("-00001.raw cannot be opened") && wrong.contains("copy both"), "{wrong}");

    // The file itself, cut off or changed: never a panic.
    let file = fs::read(&out).unwrap();
    let damaged = dir.path().join("damaged.h5");
    let mut stream = Stream::new(3);
    for part in 1..8 {
        fs::write(&damaged, &file[..file.len() * part / 8]).unwrap();
        assert!(said(store::summary(&damaged).unwrap_err()).contains("damaged.h5"));
    }
    fs::rename(folder_of(&out), folder_of(&damaged)).unwrap();
    for _ in 0..40 {
        let mut bytes = file.clone();
        bytes[stream.below(file.len())] = stream.below(256) as u8;
        fs::write(&damaged, bytes).unwrap();
        let _ = (store::summary(&damaged), face_set(&damaged, &other));
    }

    // A finished clip that is not what was kept.
    let file = fs::read(&clips.files[2]).unwrap();
    let mut bytes = file.clone();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0);
    for damage in [&bytes[..], &file[..file.len() / 2]] {
        fs::write(&clips.files[2], damage).unwrap();
        for storage in [small(), pieces()] {
            let wrong = said(clips.join(&dir.path().join("new.h5"), &storage).unwrap_err());
            assert!(wrong.contains("2.h5") && wrong.contains("damaged"), "{wrong}");
        }
    }
    let shorter = example::set(&[3]);
    store::write(&shorter, &clips.files[2]).unwrap();
    let wrong = said(clips.join(&dir.path().join("new.h5"), &small()).unwrap_err());
    assert!(wrong.contains("finished clip S002") && wrong.contains("remove") && wrong.contains("2.h5"), "{wrong}");
}

#[test]
fn batches_are_of_clips_that_are_left() {
    let clip = |first, count| Clip { first, count, ..Clip::default() };
    let clips = [clip(0, 10), clip(10, 4), clip(14, 4), clip(18, 30), clip(48, 1)];
    let stride = BATCH / 10;
    assert_eq!(batches(&clips, 0, stride), [0..1, 1..3, 3..4, 4..5]);
    assert_eq!(batches(&clips, 9, stride), [0..1, 1..3, 3..4, 4..5]);
    assert_eq!(batches(&clips, 10, stride), [1..3, 3..4, 4..5]);
    assert_eq!(batches(&clips, 17, stride), [2..3, 3..4, 4..5]);
    assert_eq!((batches(&clips, 49, stride), batches(&[], 0, stride)), (vec![], vec![]));
}
