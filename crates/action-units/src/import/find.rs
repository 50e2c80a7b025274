//! Where the files of a copy of OpenFace lie.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use ferrotype_base::digest::sha256;
use ferrotype_base::text::listed;

use super::{CheckedFile, Provenance, origin};
use crate::formats::{self, Entry, Svm, Svr};
use crate::predict::{Model, PredictorFiles};

const VIDEO_LIST: &str = "AU_all_best.txt";
const PICTURE_LIST: &str = "AU_all_static.txt";
const TRIANGLES: &str = "tris_68_full.txt";
const SHAPE: &str = "In-the-wild_aligned_PDM_68.txt";

/// Where the predictors lie below a folder that the user names: itself, a source tree, a part of it, or a built program.
const PREDICTORS_BELOW: [&str; 8] = [
    "",
    "AU_predictors",
    "lib/local/FaceAnalyser/AU_predictors",
    "local/FaceAnalyser/AU_predictors",
    "FaceAnalyser/AU_predictors",
    "build/bin/AU_predictors",
    "bin/AU_predictors",
    "predictors",
];
/// Where the shape model lies beside the predictors: with them, in a source tree, or in a built program.
const SHAPE_BESIDE: [&str; 4] =
    ["", "../../LandmarkDetector/model/pdms", "../model/pdms", "../LandmarkDetector/model/pdms"];
/// Where the text of the licence lies.
const LICENCE_BESIDE: [&str; 4] = ["", "..", "../../../..", "../../.."];
const LICENCE_NAMES: [&str; 2] = ["OpenFace-license.txt", "Copyright.txt"];

/// A static regression of AU01 that OpenFace's own list for pictures names, though it subtracts other means than all the
/// rest (OpenFace warns of it); the second file is the one that belongs to them.
const LEFT_OVER: [&str; 2] = ["svr_combined/AU_1_static_intensity.dat", "svr_combined/AU_1_static_intensity_comb.dat"];

/// The files of a copy of OpenFace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The folder of the lists and predictors.
    pub predictors: PathBuf,
    /// The shape model.
    pub shape: PathBuf,
    /// The text of the licence, where the copy has it.
    pub licence: Option<PathBuf>,
}

/// Finds the predictors in `folder`: OpenFace's folder, its `lib/local/FaceAnalyser`, the folder `AU_predictors` itself, or
/// the folder of a built program.
///
/// # Errors
/// When there are no predictors, or no shape model beside them; the message says where they were looked for.
pub fn find(folder: &Path) -> Result<Found> {
    ensure!(folder.is_dir(), "{} is no folder", folder.display());
    let predictors =
        PREDICTORS_BELOW.iter().map(|below| folder.join(below)).find(|path| path.join(VIDEO_LIST).is_file());
    let Some(predictors) = predictors else {
        bail!(
            "no {VIDEO_LIST} in {}, nor in {} below it: name the folder of OpenFace 2.2.0, or its \
             lib/local/FaceAnalyser/AU_predictors",
            folder.display(),
            listed(&PREDICTORS_BELOW[1..], 9)
        );
    };
    let beside = |places: &[&str], name: &str| {
        places.iter().map(|place| predictors.join(place).join(name)).find(|path| path.is_file())
    };
    let Some(shape) = beside(&SHAPE_BESIDE, SHAPE) else {
        bail!(
            "no {SHAPE} in {}, nor in {} from there: copy it from lib/local/LandmarkDetector/model/pdms of OpenFace into \
             that folder",
            predictors.display(),
            listed(&SHAPE_BESIDE[1..], 9)
        );
    };
    let licence = LICENCE_NAMES.iter().find_map(|name| beside(&LICENCE_BESIDE, name));
    Ok(Found { shape, licence, predictors })
}

impl Found {
    /// Reads all files.
    ///
    /// # Errors
    /// When files are missing (all are named), or one is damaged or of another kind.
    pub fn read(&self) -> Result<PredictorFiles> {
        let [video, picture] = [self.list(VIDEO_LIST)?, self.list(PICTURE_LIST)?];
        let names: BTreeSet<&str> = video.iter().chain(&picture).map(|e| e.file.as_str()).chain([TRIANGLES]).collect();
        let missing: Vec<&str> = names.into_iter().filter(|name| !self.predictors.join(name).is_file()).collect();
        ensure!(
            missing.is_empty(),
            "{} files are missing in {}: {}",
            missing.len(),
            self.predictors.display(),
            listed(&missing, 12)
        );
        Ok(PredictorFiles {
            shape: formats::read(&self.shape, formats::parse_shape_model)?,
            triangles: formats::read(&self.predictors.join(TRIANGLES), formats::parse_triangles)?,
            video: self.models(video)?,
            picture: self.models(picture)?,
        })
    }

    /// The entries of a list; the left-over predictor of AU01 is replaced by the one that is meant, where that is there.
    fn list(&self, name: &str) -> Result<Vec<Entry>> {
        let mut entries = formats::read(&self.predictors.join(name), formats::parse_list)?;
        let [left_over, meant] = LEFT_OVER;
        if self.predictors.join(meant).is_file() {
            entries.iter_mut().filter(|e| e.file == left_over).for_each(|e| e.file = meant.to_owned());
        }
        Ok(entries)
    }

    fn models(&self, entries: Vec<Entry>) -> Result<Vec<(Entry, Model)>> {
        let read = |entry: Entry| {
            let path = self.predictors.join(&entry.file);
            let model = match entry.is_intensity {
                true => Model::Intensity(formats::read(&path, Svr::parse)?),
                false => Model::Presence(formats::read(&path, Svm::parse)?),
            };
            Ok((entry, model))
        };
        entries.into_iter().map(read).collect()
    }

    /// Where each file comes from: its sha256 and whether that is the release's.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn provenance(&self) -> Result<Provenance> {
        let lists = [self.list(VIDEO_LIST)?, self.list(PICTURE_LIST)?];
        let named = lists.iter().flatten().map(|e| e.file.as_str());
        let names: BTreeSet<&str> = named.chain([VIDEO_LIST, PICTURE_LIST, TRIANGLES, SHAPE]).collect();
        let check = |name: &str| {
            let path = if name == SHAPE { self.shape.clone() } else { self.predictors.join(name) };
            let digest = formats::read(&path, |bytes| Ok(sha256(bytes)))?;
            Ok(CheckedFile { name: name.to_owned(), origin: origin::origin(name, &digest), sha256: digest })
        };
        Ok(Provenance {
            source: self.predictors.display().to_string(),
            notice: super::NOTICE.to_owned(),
            licence: super::LICENCE.to_owned(),
            licence_text: self.licence.as_ref().and_then(|path| fs::read_to_string(path).ok()),
            files: names.into_iter().map(check).collect::<Result<_>>()?,
        })
    }
}
