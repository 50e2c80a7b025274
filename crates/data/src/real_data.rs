//! Real FER2013 and FER+, for tests that carry `#[needs(fer2013)]`: FERROTYPE_FER2013 names fer2013.csv, or FERROTYPE_DATA a
//! folder with fer2013/csv/fer2013.csv in it. fer2013new.csv is looked for beside fer2013.csv and in fer2013/, Microsoft's
//! label.csv files in fer2013/label_csv. What is absent is a panic that says what to set.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::options::{FerplusOptions, SourceOptions};
use super::{FaceSet, sources};

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// The folder of verification data, for tests that carry `#[needs(data)]`.
pub fn data_folder() -> PathBuf {
    named("FERROTYPE_DATA").expect("set FERROTYPE_DATA to the folder of verification data")
}

/// Kaggle's file of FER2013.
pub fn fer2013_csv() -> PathBuf {
    named("FERROTYPE_FER2013").unwrap_or_else(|| data_folder().join("fer2013/csv/fer2013.csv"))
}

fn fer2013new_csv() -> PathBuf {
    let beside = fer2013_csv().with_file_name("fer2013new.csv");
    if beside.is_file() { beside } else { data_folder().join("fer2013/fer2013new.csv") }
}

fn label_csv() -> [PathBuf; 3] {
    let folder = data_folder().join("fer2013/label_csv");
    ["FER2013Train.csv", "FER2013Valid.csv", "FER2013Test.csv"].map(|file| folder.join(file))
}

/// FER+ by fer2013new.csv, or by Microsoft's label.csv files as well; read once for all tests.
pub fn shared(by_label_csv: bool) -> Arc<FaceSet> {
    static SETS: [OnceLock<Arc<FaceSet>>; 2] = [const { OnceLock::new() }; 2];
    let make = || {
        let mut votes = vec![fer2013new_csv()];
        votes.extend(by_label_csv.then(label_csv).into_iter().flatten());
        let options = FerplusOptions { csv: Some(fer2013_csv()), images: None, votes };
        Arc::new(sources::prepare(&SourceOptions::Ferplus(options), Path::new("ferplus.h5"), "test").unwrap())
    };
    SETS[usize::from(by_label_csv)].get_or_init(make).clone()
}
