//! Video files in folders, by their paths.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ferrotype_base::text::listed;

use super::Job;
use ferrotype_data::foreign::{Files, short_names};

/// Endings of files that may be videos.
const VIDEOS: [&str; 10] = ["mp4", "avi", "mov", "mkv", "m4v", "webm", "mpg", "mpeg", "wmv", "flv"];

/// Video files below a folder. A file is its path below the folder.
pub(super) struct VideoFiles {
    files: Files,
    /// What each is called: its name without ending, or more of its path where several have that name.
    short: Vec<String>,
}

/// A video file of a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VideoFile {
    pub path: PathBuf,
    /// Unique below the folder.
    pub name: String,
    /// The path below the folder.
    pub below: String,
}

impl VideoFiles {
    /// Searches a folder with its sub-folders.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn find(root: &Path) -> Result<Self> {
        ensure!(root.is_dir(), "{} is not a folder of video files", root.display());
        let files = Files::below(root, &VIDEOS)?;
        let short = short_names(files.names());
        Ok(Self { files, short })
    }

    /// The file of a clip: a path below the folder, or the end of one, with or without ending, in any case.
    ///
    /// # Errors
    /// When several files may be meant; they are listed.
    pub(super) fn get(&self, clip: &str) -> Result<Option<VideoFile>> {
        let place = self.files.find(clip).context("the table of labels names a clip that is not one file")?;
        Ok(place.map(|i| VideoFile {
            path: self.files.paths()[i].clone(),
            name: self.short[i].clone(),
            below: self.files.names()[i].clone(),
        }))
    }

    /// Paths below the folder of files that none of these clips names.
    pub(super) fn unnamed<'a>(&self, clips: impl Iterator<Item = &'a Path>) -> Vec<String> {
        let named: BTreeSet<&Path> = clips.collect();
        let all = self.files.paths().iter().zip(self.files.names());
        all.filter(|(path, _)| !named.contains(path.as_path())).map(|(_, name)| name.clone()).collect()
    }
}

/// Gives each clip its table of OpenFace: that of its path below the folder, or the only one of its name. A clip without one
/// keeps none, which is told when it is prepared.
///
/// # Errors
/// When the folder cannot be read, or it is not certain which table is a clip's; the candidates are listed.
pub(super) fn find_tables(jobs: &mut [Job], folder: &Path) -> Result<()> {
    let tables = Files::below(folder, &["csv"]).context("--openface")?;
    let mut takers = vec![Vec::new(); tables.paths().len()];
    for (number, job) in jobs.iter_mut().enumerate() {
        let Some(place) = table_of(&tables, job).with_context(|| format!("the table of the clip {}", job.name))? else {
            continue;
        };
        job.table = Some(tables.paths()[place].clone());
        takers[place].push(number);
    }
    for (takers, table) in takers.iter().zip(tables.names()) {
        let clips: Vec<&str> = takers.iter().map(|&i: &usize| jobs[i].name.as_str()).collect();
        ensure!(
            clips.len() < 2,
            "the table {table} below {} may be that of {}: put tables into the same folders as their videos",
            folder.display(),
            listed(&clips, 6)
        );
    }
    Ok(())
}

fn table_of(tables: &Files, job: &Job) -> Result<Option<usize>> {
    let path = job.below.rsplit_once('.').map_or(job.below.as_str(), |(stem, _)| stem);
    for name in [path, &job.name] {
        for name in [format!("{name}.csv"), format!("{name}_raw.csv")] {
            let found = tables.find(&name)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}
