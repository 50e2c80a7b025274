use std::path::PathBuf;

use ferrotype_base::digest::sha256;
use ferrotype_base::random::{Stream, mix};
use ferrotype_needs::needs;

use super::*;
use crate::{Commercial, Kind};

#[test]
fn every_file_of_the_folder_is_an_entry() {
    let registry = Registry::shipped().unwrap();
    let names: Vec<&str> = registry.entries().iter().map(|e| e.name.as_str()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(names, files);
    assert!(names.is_sorted());
}

#[test]
fn restricted_models_are_known_as_such() {
    let registry = Registry::shipped().unwrap();
    let restricted: Vec<&str> =
        registry.entries().iter().filter(|e| e.is_restricted()).map(|e| e.name.as_str()).collect();
    assert_eq!(restricted, ["emopy", "mobilefacenet", "pfld68", "ststnet"]);
    assert_eq!(registry.get("ststnet").unwrap().commercial, Commercial::Forbidden);
    assert_eq!(registry.get("yunet").unwrap().kind, Kind::Detector);
}

#[test]
fn no_two_models_are_one_file() {
    let registry = Registry::shipped().unwrap();
    for entry in registry.entries() {
        assert_eq!(registry.of_digest(&entry.sha256).unwrap().name, entry.name);
        assert!(!entry.tried, "{}: an address was tried; say when in `origin`, and change this test", entry.name);
    }
}

#[test]
fn files_in_the_program_are_those_of_their_entries() {
    let registry = Registry::shipped().unwrap();
    for (name, bytes) in FILES {
        let entry = registry.get(name).unwrap();
        assert_eq!((entry.size, &entry.sha256), (bytes.len() as u64, &sha256(bytes)), "{name}");
        assert_eq!(entry.commercial, Commercial::Allowed, "{name}: what is shipped asks nothing");
    }
}

#[test]
fn names_that_are_nearly_right_are_recognised() {
    let registry = Registry::shipped().unwrap();
    for (written, meant) in [
        ("yunett", "yunet"),
        ("YuNet", "yunet"),
        ("yunet.onnx", "yunet"),
        ("pfld", "pfld68"),
        ("face_landmarker.task", "mediapipe_face_landmarker"),
        ("mobilenet-v2-0.35", "mobilenet_v2_0.35"),
    ] {
        let message = registry.find(written).unwrap_err().to_string();
        assert!(message.contains(&format!("did you mean `{meant}`?")), "{message}");
    }
    let message = registry.find("banana").unwrap_err().to_string();
    assert!(message.contains("there are emopy, ferronet, mediapipe_blendshapes"), "{message}");
}

#[test]
fn entries_of_the_user_take_no_published_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut entry = Registry::shipped().unwrap().get("yunet").unwrap().clone();
    let write =
        |stem: &str, entry: &Entry| fs::write(folder.path().join(format!("{stem}.yaml")), entry.to_yaml()).unwrap();
    let read = || Registry::shipped().and_then(|mut r| r.add_folder(folder.path()).map(|()| r));
    write("yunet", &entry);
    assert!(read().unwrap_err().to_string().contains("there is a model `yunet` already"));
    fs::remove_file(folder.path().join("yunet.yaml")).unwrap();
    entry.name = "mine".into();
    write("other", &entry);
    assert!(read().unwrap_err().to_string().contains("file and name must agree"));
    fs::remove_file(folder.path().join("other.yaml")).unwrap();
    write("mine", &entry);
    fs::write(folder.path().join("notes.txt"), "no entry").unwrap();
    assert_eq!(read().unwrap().get("mine").unwrap(), &entry);
    let mut registry = Registry::default();
    registry.add_folder(&folder.path().join("none")).unwrap();
    assert!(registry.entries().is_empty());
}

#[test]
fn the_users_page_has_a_row_for_every_model() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/models_by_name.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `") && line.matches('|').count() == 7)
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let registry = Registry::shipped().unwrap();
    let expected: Vec<_> = registry
        .entries()
        .iter()
        .map(|e| (format!("`{}`", e.name), e.size.to_string(), e.licence.as_str(), e.commercial.name()))
        .collect();
    let found: Vec<_> = rows.iter().map(|r| (r[1].to_owned(), r[3].replace(',', ""), r[4], r[5])).collect();
    assert_eq!(found, expected);
}

#[test]
fn damaged_entries_are_read_to_the_end() {
    const MARKS: &[u8] = b"\n:- >|{}[]\"'&*!#%@`?,\0\xff";
    let good = MODELS[0].1.as_bytes();
    for round in 0..3000 {
        let mut random = Stream::new(mix(round));
        let mut bytes = good.to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(8) {
                0 => bytes.truncate(at.max(1)),
                1 => drop(bytes.remove(at)),
                _ => bytes[at] = MARKS[random.below(MARKS.len())],
            }
        }
        // No panic; nearly all of them are errors.
        let _ = Entry::from_yaml("damaged.yaml", &String::from_utf8_lossy(&bytes));
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(std::env::var_os("FERROTYPE_DATA").unwrap())
}

#[needs(data)]
#[test]
fn sizes_and_digests_are_those_of_the_files() {
    let registry = Registry::shipped().unwrap();
    let mut found = Vec::new();
    for part in ["onnx", "mediapipe", "weights", "megc2019"] {
        for file in fs::read_dir(data().join(part)).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            if let Some(entry) = registry.of_digest(&sha256(&bytes)) {
                assert_eq!(entry.size, bytes.len() as u64, "{}", entry.name);
                found.push(entry.name.as_str());
            }
        }
    }
    found.sort_unstable();
    let others = registry.entries().iter().map(|e| e.name.as_str()).filter(|name| file(name).is_none());
    assert_eq!(found, others.collect::<Vec<_>>());
}
