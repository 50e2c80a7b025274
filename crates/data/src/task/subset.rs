//! Labelled rows of a dataset, ready to be loaded.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::obtain::load;
use crate::labels::{self, HeadRequest, Role};
use crate::loader::{Loader, Training};
use crate::options::{DataOptions, LabelMode, SegmentOptions};
use crate::preprocess::{Crop, Pipeline};
use crate::{FaceSet, Labelled, Split, classes, example};

/// Rows of a dataset with their targets, ready to be loaded.
#[derive(Clone)]
pub struct Subset {
    /// The pictures.
    pub faces: Arc<FaceSet>,
    /// Targets.
    pub labelled: Arc<Labelled>,
    /// Examples of `labelled` that belong to the subset, in row order.
    pub indices: Vec<usize>,
    pub(super) pipeline: Pipeline,
    pub(super) workers: usize,
}

impl Subset {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Row numbers in the dataset.
    pub fn rows(&self) -> Vec<u32> {
        self.indices.iter().map(|&i| self.labelled.rows[i]).collect()
    }

    /// Sum of target shares per class.
    pub fn class_mass(&self) -> Vec<f64> {
        let mut mass = vec![0.0; self.labelled.classes.len()];
        for &i in &self.indices {
            mass.iter_mut().zip(self.labelled.target(i)).for_each(|(m, &t)| *m += f64::from(t));
        }
        mass
    }

    /// Sum and number of the known targets of each column.
    pub fn column_totals(&self) -> (Vec<f64>, Vec<f64>) {
        let of = |column| self.known(column).fold((0.0, 0.0), |(sum, n), value| (sum + f64::from(value), n + 1.0));
        (0..self.labelled.width()).map(of).unzip()
    }

    /// The known targets of a column, in the order of the rows.
    pub fn known(&self, column: usize) -> impl Iterator<Item = f32> {
        let is_known = move |&i: &usize| self.labelled.known_of(i).get(column) != Some(&false);
        self.indices.iter().copied().filter(is_known).map(move |i| self.labelled.target(i)[column])
    }

    /// The preprocessing.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The picture or pictures of example `i` of the labelling at the model's size and channels, `[planes, size, size]`,
    /// 0..255.
    ///
    /// # Errors
    /// When the stored picture has an impossible size.
    pub fn raw(&self, i: usize) -> Result<Vec<f32>> {
        self.raw_by(i, &self.pipeline)
    }

    /// As [`raw`](Self::raw), at the size and channels of another preprocessing.
    ///
    /// # Errors
    /// As there.
    pub fn raw_by(&self, i: usize, pipeline: &Pipeline) -> Result<Vec<f32>> {
        example::planes(&self.faces, self.labelled.rows[i] as usize, pipeline, None)
    }

    /// The same rows with targets over a model's classes, matched by name; with `common_only`, rows whose class the model
    /// does not know are left out. Also how many those are.
    ///
    /// # Errors
    /// When the classes cannot be matched.
    pub fn with_classes(&self, classes: &[String], common_only: bool) -> Result<(Self, usize)> {
        let aligned = classes::align(&self.labelled, classes, common_only)?;
        let indices: Vec<usize> = self.indices.iter().copied().filter(|&i| aligned.known[i]).collect();
        let dropped = self.indices.len() - indices.len();
        if indices.is_empty() {
            bail!("no row of this set has a class that the model knows ({})", classes.join(", "));
        }
        Ok((Self { labelled: Arc::new(aligned.labelled), indices, ..self.clone() }, dropped))
    }

    /// Batches in row order, without augmentation.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn evaluation_loader(&self, batch_size: usize) -> Result<Loader> {
        self.loader(None, batch_size)
    }

    /// The same rows, seen through another square of each picture.
    pub fn with_crop(&self, crop: Crop) -> Self {
        Self { pipeline: self.pipeline.clone().with_crop(crop), ..self.clone() }
    }

    pub(super) fn with_pipeline(&self, pipeline: Option<&Pipeline>) -> Self {
        Self { pipeline: pipeline.unwrap_or(&self.pipeline).clone(), ..self.clone() }
    }

    pub(super) fn loader(&self, training: Option<Training>, batch_size: usize) -> Result<Loader> {
        let examples = self.indices.iter().map(|&i| i as u32).collect();
        let (faces, labelled) = (self.faces.clone(), self.labelled.clone());
        Loader::new(faces, labelled, examples, self.pipeline.clone(), training, batch_size, self.workers)
    }
}

/// Labelled rows of another prepared file: those of one part of its own division, or, where none is named, its test rows,
/// or all rows of a file that has none.
///
/// # Errors
/// When the file cannot be read, or has no such rows for these labels.
pub fn rows_of(path: &Path, labels: LabelMode, part: Option<Split>, options: &DataOptions) -> Result<Subset> {
    let faces = Arc::new(load(path, options)?);
    of_faces(faces, labels, part, options).with_context(|| format!("cannot score {}", path.display()))
}

/// As [`rows_of`], of faces in memory.
///
/// # Errors
/// When there are no such rows for these labels.
pub fn of_faces(faces: Arc<FaceSet>, labels: LabelMode, part: Option<Split>, options: &DataOptions) -> Result<Subset> {
    let labelled = labels::apply(&faces, labels, Role::Evaluation)?;
    of_labelled(faces, labelled, labels, part, options)
}

/// As [`rows_of`], with the targets of heads.
///
/// # Errors
/// When the file cannot be read, or has no such rows with a known target of the heads.
pub fn rows_with_heads(
    path: &Path,
    heads: &[HeadRequest],
    labels: LabelMode,
    part: Option<Split>,
    options: &DataOptions,
) -> Result<Subset> {
    let faces = Arc::new(load(path, options)?);
    let labelled = labels::apply_heads(&faces, heads, labels, Role::Evaluation)?;
    of_labelled(faces, labelled, labels, part, options).with_context(|| format!("cannot score {}", path.display()))
}

fn of_labelled(
    faces: Arc<FaceSet>,
    labelled: Labelled,
    labels: LabelMode,
    part: Option<Split>,
    options: &DataOptions,
) -> Result<Subset> {
    let labelled = Arc::new(labelled);
    let of = |part: Split| -> Vec<usize> {
        (0..labelled.len()).filter(|&i| faces.splits[labelled.rows[i] as usize] == part).collect()
    };
    let mut indices = of(part.unwrap_or(Split::Test));
    if part.is_none() && indices.is_empty() {
        indices = (0..labelled.len()).collect();
    }
    if indices.is_empty() {
        let part = part.map_or_else(String::new, |part| format!(" in its {} set", part.as_str()));
        bail!("there are no rows with labels `{}`{part}", labels::as_str(labels));
    }
    Ok(Subset { faces, labelled, indices, pipeline: pipeline(options)?, workers: options.workers })
}

/// The preprocessing that these options ask for.
pub(super) fn pipeline(options: &DataOptions) -> Result<Pipeline> {
    let pictures = options.clips.as_ref().map_or(1, SegmentOptions::pictures);
    Ok(Pipeline::new(&options.preprocess)?.with_pictures(pictures))
}
