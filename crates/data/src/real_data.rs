//! Real FER2013 and FER+ where they are at hand, for tests: FERROTYPE_FER2013 names fer2013.csv, or FERROTYPE_DATA a folder
//! with fer2013/csv/fer2013.csv in it. fer2013new.csv is looked for beside fer2013.csv and in fer2013/, Microsoft's label.csv
//! files in fer2013/label_csv.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::options::{FerplusOptions, SourceOptions};
use super::{FaceSet, sources};

pub fn data_folder() -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("FERROTYPE_DATA")?).join("fer2013"))
}

pub fn fer2013_csv() -> Option<PathBuf> {
    let named = std::env::var_os("FERROTYPE_FER2013").map(PathBuf::from);
    named.into_iter().chain(data_folder().map(|d| d.join("csv/fer2013.csv"))).find(|p| p.is_file())
}

pub fn fer2013new_csv() -> Option<PathBuf> {
    let beside = fer2013_csv()?.with_file_name("fer2013new.csv");
    [Some(beside), data_folder().map(|d| d.join("fer2013new.csv"))].into_iter().flatten().find(|p| p.is_file())
}

pub fn label_csv() -> Option<Vec<PathBuf>> {
    let folder = data_folder()?.join("label_csv");
    let files = ["FER2013Train.csv", "FER2013Valid.csv", "FER2013Test.csv"].map(|f| folder.join(f));
    files.iter().all(|f| f.is_file()).then(|| files.to_vec())
}

pub fn prepare(votes: Vec<PathBuf>) -> FaceSet {
    let options = FerplusOptions { csv: fer2013_csv(), images: None, votes };
    sources::prepare(&SourceOptions::Ferplus(options), Path::new("ferplus.h5"), "test").unwrap()
}

/// FER+ by fer2013new.csv, read once for all tests.
pub fn ferplus() -> Option<&'static FaceSet> {
    static FACES: OnceLock<Option<FaceSet>> = OnceLock::new();
    let faces = FACES.get_or_init(|| Some(prepare(vec![fer2013new_csv()?]))).as_ref();
    if faces.is_none() {
        println!("skipped: set FERROTYPE_FER2013 to the path of fer2013.csv to test on real data");
    }
    faces
}

/// FER+ for tests elsewhere, by fer2013new.csv or by Microsoft's label.csv files; read once.
pub fn shared(by_label_csv: bool) -> Option<Arc<FaceSet>> {
    static SETS: [OnceLock<Option<Arc<FaceSet>>>; 2] = [const { OnceLock::new() }; 2];
    let make = || {
        fer2013_csv()?;
        let mut votes = vec![fer2013new_csv()?];
        votes.extend(if by_label_csv { label_csv()? } else { Vec::new() });
        Some(Arc::new(prepare(votes)))
    };
    let faces = SETS[usize::from(by_label_csv)].get_or_init(make).clone();
    if faces.is_none() {
        println!("skipped: set FERROTYPE_FER2013 to the path of fer2013.csv, FERROTYPE_DATA for label.csv files");
    }
    faces
}
