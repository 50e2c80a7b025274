//! Sets in shards against the same sets in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

use super::*;
use crate::audit::{audit, copies};
use crate::augment::Augmentation;
use crate::labels::{self, Role};
use crate::loader::{Loader, Training};
use crate::options::{Augment, DataOptions, LabelMode, Preprocess, Sampler, SourceOptions, StorageOptions};
use crate::preprocess::Pipeline;
use crate::task::Task;
use crate::{Batch, FaceSet, sources, store};
use ferrotype_base::random::Stream;

const SIDE: u32 = 96;
const COUNT: usize = 70;

/// Class folders of JPEG files, the first `grey` of them grey; every tenth a copy of another.
fn folder(root: &Path, grey: usize) {
    let mut stream = Stream::new(11);
    for n in 0..COUNT {
        let path = root.join(["angry", "happy"][n % 2]).join(format!("{n:03}.jpg"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if n % 10 == 9 {
            let copied = root.join(["angry", "happy"][(n - 3) % 2]).join(format!("{:03}.jpg", n - 3));
            fs::copy(copied, path).unwrap();
            continue;
        }
        let waves: Vec<f64> = (0..4).map(|_| stream.unit()).collect();
        let mut value = |x: u32, y: u32, k: f64| {
            let wave =
                (waves[0] * f64::from(x) / 3.0 + k).sin() + (waves[1] * f64::from(y) / 4.0 + waves[2] * 6.0).cos();
            (128.0 + 45.0 * wave + 6.0 * stream.normal()).clamp(0.0, 255.0) as u8
        };
        let picture: DynamicImage = match n < grey {
            true => GrayImage::from_fn(SIDE, SIDE, |x, y| Luma([value(x, y, 0.0)])).into(),
            false => RgbImage::from_fn(SIDE, SIDE, |x, y| Rgb([0.0, 1.0, 2.0].map(|k| value(x, y, k)))).into(),
        };
        let mut bytes = Vec::new();
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 90)).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn source(root: &Path, more: serde_json::Value) -> SourceOptions {
    let mut options = serde_json::json!({ "root": root });
    options.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_value(serde_json::json!({ "folder": options })).unwrap()
}

fn raw() -> StorageOptions {
    StorageOptions { shard_mb: Some(1), ..StorageOptions::default() }
}

fn jpeg() -> StorageOptions {
    StorageOptions { pictures: PictureStorage::Jpeg, ..raw() }
}

/// The set, prepared, written to a file and read again.
fn prepared(source: &SourceOptions, out: &Path, storage: &StorageOptions) -> FaceSet {
    let faces = sources::prepare_with(source, out, "test", None, Some(storage)).unwrap();
    store::write(&faces, out).unwrap();
    let read = store::read(out).unwrap();
    assert!(read == faces);
    read
}

fn batches(faces: &Arc<FaceSet>, workers: usize) -> Vec<Batch> {
    let labelled = Arc::new(labels::apply(faces, LabelMode::Original, Role::Train).unwrap());
    let preprocess: Preprocess =
        serde_json::from_value(serde_json::json!({ "size": 40, "colour": "rgb", "scale": "signed" })).unwrap();
    let augment = Augment { flip: Some(0.5), rotate: Some(15.0), brightness: Some(0.2), ..Augment::default() };
    let training = Training {
        sampler: Sampler::Shuffle,
        augmentation: Some(Augmentation::new(&augment).unwrap()),
        seed: 4,
        views: None,
    };
    let examples = (0..labelled.len() as u32).collect();
    let pipeline = Pipeline::new(&preprocess).unwrap();
    let loader = Loader::new(faces.clone(), labelled, examples, pipeline, Some(training), 16, workers).unwrap();
    (0..2).flat_map(|epoch| loader.epoch(epoch, 0).map(Result::unwrap).collect::<Vec<_>>()).collect()
}

fn shards(faces: &FaceSet) -> &Shards {
    faces.shards.as_ref().unwrap()
}

/// The files in a set's folder of shards, with when each was written.
fn files(out: &Path) -> Vec<(String, std::time::SystemTime)> {
    let mut all: Vec<_> = fs::read_dir(folder_of(out))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().to_string_lossy().into_owned(), e.metadata().unwrap().modified().unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn sets_in_shards_give_the_batches_of_sets_in_memory() {
    // All in colour; all grey; grey for the first seven files of each class, so that grey is taken back.
    for grey in [0, COUNT, 15] {
        let dir = tempfile::tempdir().unwrap();
        let pictures = dir.path().join("pictures");
        folder(&pictures, grey);
        let source = source(&pictures, serde_json::json!({}));
        let memory = sources::prepare(&source, &dir.path().join("memory.h5"), "test").unwrap();
        let channels = if grey == COUNT { 1 } else { 3 };
        assert_eq!((memory.images.channels, memory.len(), memory.pictures()), (channels, COUNT, COUNT));
        let wanted = batches(&Arc::new(memory.clone()), 1);
        for storage in [raw(), jpeg()] {
            let out = dir.path().join(format!("{}.h5", storage.pictures.as_str()));
            let faces = prepared(&source, &out, &storage);
            assert!(faces.images.pixels.is_empty() && shards(&faces).len() == COUNT);
            assert!((0..COUNT).all(|n| faces.picture(n).unwrap() == memory.picture(n).unwrap()));
            assert!(faces.clone().into_memory().unwrap().images == memory.images);
            assert_eq!((&faces.labels, &faces.names, &faces.classes), (&memory.labels, &memory.names, &memory.classes));
            assert_eq!(faces.provenance.notes, memory.provenance.notes);
            assert_eq!(faces.stored_form(), memory.stored_form());
            assert_eq!(copies(&faces), copies(&memory));
            assert_eq!(audit(&faces).unwrap(), audit(&memory).unwrap());
            let faces = Arc::new(faces);
            for workers in [1, 3] {
                assert!(batches(&faces, workers) == wanted, "{grey} {storage:?}");
            }
            match storage.pictures {
                // The digest of a run's facts says that the pictures are the same.
                PictureStorage::Raw => assert_eq!(faces.images_sha256(), memory.images_sha256()),
                // The files themselves, and nothing but them.
                PictureStorage::Jpeg => {
                    let first = fs::read(pictures.join(&faces.names[0])).unwrap();
                    let shard = fs::read(folder_of(&out).join(&shards(&faces).list().shards[0].name)).unwrap();
                    assert!(shard.starts_with(&first) && first.len() == shards(&faces).list().lengths[0] as usize);
                }
            }
            let only_shards = files(&out).iter().all(|(name, _)| name.ends_with(storage.pictures.as_str()));
            assert!(
                only_shards && (grey == COUNT || storage.pictures == PictureStorage::Jpeg || files(&out).len() > 1)
            );
        }
    }
}

#[test]
fn sets_in_memory_can_be_written_as_shards_and_resized_pictures_are_encoded() {
    let dir = tempfile::tempdir().unwrap();
    let drawn: SourceOptions =
        serde_json::from_value(serde_json::json!({ "synthetic": { "count": 30, "size": 64 } })).unwrap();
    let memory = sources::prepare(&drawn, &dir.path().join("m.h5"), "test").unwrap();
    let faces = prepared(&drawn, &dir.path().join("raw.h5"), &raw());
    assert!((0..30).all(|n| faces.picture(n).unwrap() == memory.picture(n).unwrap()));
    let mut same = faces.clone();
    (same.shards, same.images) = (None, memory.images.clone());
    same.provenance.record = memory.provenance.record.clone();
    assert!(same == memory);

    let pictures = dir.path().join("pictures");
    folder(&pictures, 0);
    let source = source(&pictures, serde_json::json!({ "size": 48 }));
    let memory = sources::prepare(&source, &dir.path().join("m.h5"), "test").unwrap();
    let faces = prepared(&source, &dir.path().join("jpeg.h5"), &jpeg());
    let difference = |n: usize| -> f64 {
        let (a, b) = (faces.picture(n).unwrap(), memory.picture(n).unwrap());
        a.iter().zip(b.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    };
    let mean = (0..COUNT).map(difference).sum::<f64>() / COUNT as f64;
    assert!(mean > 0.0 && mean < 3.0, "{mean}");
    let note = faces.provenance.notes.iter().find(|note| note.contains("JPEG of quality 95"));
    assert!(note.is_some_and(|note| note.starts_with("70 pictures")), "{:?}", faces.provenance.notes);
    // Known again by what is loaded.
    let shape = [48, 48, 3];
    let again = |n: usize| crate::fingerprint::of(shape, &faces.picture(n).unwrap());
    assert!((0..COUNT).all(|n| again(n) == shards(&faces).list().fingerprints[n]));
}

#[test]
fn a_second_call_keeps_finished_shards_that_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let pictures = dir.path().join("pictures");
    folder(&pictures, 0);
    fs::write(pictures.join("happy/bad.jpg"), "no picture").unwrap();
    let out = dir.path().join("faces.h5");
    let with_bad = source(&pictures, serde_json::json!({ "skip_bad": true }));
    let prepare = |source: &SourceOptions| sources::prepare_with(source, &out, "test", None, Some(&raw()));
    // The files are bad without --skip-bad, but what was stored until then is not lost.
    let said = prepare(&source(&pictures, serde_json::json!({}))).unwrap_err().to_string();
    assert!(said.contains("1 files cannot be used") && said.contains("bad.jpg"), "{said}");
    let before = files(&out);
    let first = prepare(&with_bad).unwrap();
    assert_eq!(files(&out), before);
    assert!(first.len() == COUNT && first.provenance.notes.iter().filter(|note| note.contains("bad.jpg")).count() == 1);
    // As if killed within the second shard.
    let is_raw = |name: &str| name.ends_with(".raw");
    let names: Vec<&String> = before.iter().map(|(name, _)| name).filter(|name| is_raw(name)).collect();
    assert_eq!(names.len(), 2);
    fs::remove_file(folder_of(&out).join(names[1].replace(".raw", ".json"))).unwrap();
    fs::write(folder_of(&out).join(format!("{}.part", names[1])), "half").unwrap();
    assert!(prepare(&with_bad).unwrap() == first);
    assert_eq!(files(&out)[..2], before[..2], "the first was written again");
    // A finished one that is not what was written is not taken up.
    let path = folder_of(&out).join(names[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(prepare(&with_bad).unwrap() == first);
    // Once the file is there, the journals go; of other pictures, other shards are made, and the old ones go last.
    store::write(&first, &out).unwrap();
    assert!(files(&out).iter().all(|(name, _)| is_raw(name)));
    let read = store::read(&out).unwrap();
    fs::remove_file(pictures.join("happy/bad.jpg")).unwrap();
    let second = prepare(&with_bad).unwrap();
    assert!(read.picture(3).is_ok() && store::read(&out).is_ok());
    store::write(&second, &out).unwrap();
    assert!(files(&out).iter().all(|(name, _)| !before.iter().any(|(old, _)| old == name)));
    // Small again, it needs no shards.
    store::write(&sources::prepare(&with_bad, &out, "test").unwrap(), &out).unwrap();
    assert!(!folder_of(&out).exists());
}

/// A set in two shards or more.
fn stored(dir: &Path) -> (PathBuf, FaceSet) {
    let pictures = dir.join("pictures");
    folder(&pictures, 0);
    let out = dir.join("faces.h5");
    let faces = prepared(&source(&pictures, serde_json::json!({})), &out, &raw());
    (out, faces)
}

#[test]
fn damage_is_found_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (out, faces) = stored(dir.path());
    let stride = faces.images.stride();
    let shard = folder_of(&out).join(&shards(&faces).list().shards[0].name);
    let whole = fs::read(&shard).unwrap();
    let mut bytes = whole.clone();
    bytes[2 * stride + 17] ^= 4;
    fs::write(&shard, &bytes).unwrap();
    let faces = store::read(&out).unwrap();
    let said = format!("{:#}", faces.picture(2).unwrap_err());
    assert!(said.contains("picture 2 in") && said.contains("-00000.raw is damaged"), "{said}");
    assert!(faces.picture(1).is_ok() && faces.picture(3).is_ok() && faces.picture(COUNT).is_err());
    assert!(audit(&faces).is_err());
    fs::write(&shard, &whole[1..]).unwrap();
    let said = store::read(&out).unwrap_err().to_string();
    assert!(said.contains("-00000.raw has") && said.contains("are expected"), "{said}");
    fs::remove_file(&shard).unwrap();
    let said = store::read(&out).unwrap_err().to_string();
    assert!(said.contains("-00000.raw cannot be opened") && said.contains("copy both"), "{said}");
    let elsewhere = dir.path().join("other.h5");
    let said = store::write(&faces, &elsewhere).unwrap_err().to_string();
    assert!(said.contains("belong in") && !elsewhere.exists(), "{said}");
}

#[test]
fn an_experiment_says_how_pictures_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    folder(&dir.path().join("pictures"), 0);
    let options = |name: &str, storage: &serde_json::Value| -> DataOptions {
        serde_json::from_value(serde_json::json!({
            "path": dir.path().join(name), "source": { "folder": { "root": dir.path().join("pictures") } },
            "storage": storage, "split": { "holdout": { "validation": 0.2, "test": 0.2 } }, "drop_leaks": true,
            "preprocess": { "size": 32, "scale": "signed" },
        }))
        .unwrap()
    };
    let facts = |name: &str, storage: serde_json::Value| {
        let options = options(name, &storage);
        let task = Task::prepare(&options, 3, sources::write).unwrap();
        let again = Task::prepare(&options, 3, sources::write).unwrap();
        assert_eq!(task.facts, again.facts);
        assert_eq!(task.train.faces.shards.is_some(), storage != serde_json::json!({}));
        (task.facts.sha256, task.facts.sizes, task.facts.dropped, task.train.rows())
    };
    let memory = facts("memory.h5", serde_json::json!({}));
    assert!(memory.2 > 0);
    assert_eq!(facts("raw.h5", serde_json::json!({ "shard_mb": 1 })), memory);
    let jpeg = facts("jpeg.h5", serde_json::json!({ "pictures": "jpeg" }));
    assert_eq!((jpeg.1, jpeg.2, jpeg.3), (memory.1, memory.2, memory.3));
    let asked = options("raw.h5", &serde_json::json!({ "pictures": "jpeg" }));
    let said = Task::prepare(&asked, 3, sources::write).err().unwrap().to_string();
    assert!(said.contains("raw.h5 holds pixels") && said.contains("--rebuild"), "{said}");
}

#[test]
fn a_disk_without_room_is_said_early() {
    let folder = Path::new("data/faces.h5.shards");
    let check = |needed, free| space::check(needed, free, folder, space::LESS_FOR_PICTURES);
    assert!(check(5 << 30, Some(6 << 30)).is_ok() && check(5 << 30, None).is_ok());
    let said = check(43 << 30, Some(6 << 30)).unwrap_err().to_string();
    assert!(
        said.contains("has 6.0 GiB free") && said.contains("about 43.0 GiB") && said.contains("--store jpeg"),
        "{said}"
    );
    assert!(space::available(Path::new(".")).is_none_or(|bytes| bytes > 0));
}
