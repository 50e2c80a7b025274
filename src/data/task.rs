//! A dataset made ready for one experiment: labelled, divided, and with its leaks known.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::digest;
use serde::{Deserialize, Serialize};

use super::audit::{self, Leaks};
use super::augment::Augmentation;
use super::labels::{self, Role};
use super::loader::{Loader, Stored, Training};
use super::options::{DataOptions, DrawnClipsOptions, LabelMode, SourceOptions, SplitRule};
use super::preprocess::Pipeline;
use super::{FaceSet, Labelled, Split, classes, clips, example, sources, split, store};
use crate::random::{Purpose, Stream};
use crate::run::provenance::command_line;

/// Rows of a dataset with their targets, ready to be loaded.
#[derive(Clone)]
pub struct Subset {
    /// The pictures.
    pub faces: Arc<FaceSet>,
    /// Targets.
    pub labelled: Arc<Labelled>,
    /// Examples of `labelled` that belong to the subset, in row order.
    pub indices: Vec<usize>,
    pipeline: Pipeline,
    workers: usize,
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
        example::planes(&self.faces, self.labelled.rows[i] as usize, &self.pipeline, None)
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

    fn with_pipeline(&self, pipeline: Option<&Pipeline>) -> Self {
        Self { pipeline: pipeline.unwrap_or(&self.pipeline).clone(), ..self.clone() }
    }

    fn loader(&self, training: Option<Training>, batch_size: usize) -> Result<Loader> {
        let examples = self.indices.iter().map(|&i| i as u32).collect();
        let (faces, labelled) = (self.faces.clone(), self.labelled.clone());
        Loader::new(faces, labelled, examples, self.pipeline.clone(), training, batch_size, self.workers)
    }
}

/// What the batches of a training are made by, besides the data.
#[derive(Clone, Copy, Debug)]
pub struct Epochs {
    /// Examples per batch.
    pub batch_size: usize,
    /// The experiment's seed.
    pub seed: u64,
    /// Augmented views per example that take turns; none draws new ones.
    pub views: Option<u64>,
}

/// A dataset made ready for one experiment.
pub struct Task {
    /// What is trained on.
    pub train: Subset,
    /// What selects the weights.
    pub validation: Subset,
    /// What is scored at the end.
    pub test: Subset,
    /// What is known about the data, for the run folder and the report.
    pub facts: Facts,
    augmentation: Augmentation,
    options: DataOptions,
}

/// What is known about the data of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The prepared file.
    pub path: String,
    /// sha256 of its pictures.
    pub sha256: String,
    /// The source's name.
    pub source: String,
    /// Whether the faces are drawn.
    pub synthetic: bool,
    /// Class names.
    pub classes: Vec<String>,
    /// `[channels, height, width]` of the model's input.
    pub input: [usize; 3],
    /// Examples per set.
    pub sizes: [usize; 3],
    /// Examples per class in the training, validation and test set.
    pub class_counts: [Vec<usize>; 3],
    /// Test rows whose picture also stands in training.
    pub test_leaks: usize,
    /// Validation rows whose picture also stands in training.
    pub validation_leaks: usize,
    /// Training rows removed because of that.
    pub dropped: usize,
    /// Subjects of the test set that also stand in training, where subjects are known.
    pub shared_subjects: Option<usize>,
    /// Clips of the test set that also stand in training, and all clips of the test set.
    #[serde(default)]
    pub shared_clips: Option<[usize; 2]>,
    /// Subjects of the test set, where they are known.
    #[serde(default)]
    pub test_subjects: Option<usize>,
    /// What is to be known of the division, a line each.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Task {
    /// Reads (or first makes) the data of an experiment, labels and divides it.
    ///
    /// # Errors
    /// When the data cannot be had, or does not allow the labels or the division asked for.
    pub fn prepare(options: &DataOptions, seed: u64) -> Result<Self> {
        let faces = Arc::new(obtain(options)?);
        let training = Arc::new(labels::apply(&faces, options.labels, Role::Train)?);
        let evaluation = Arc::new(labels::apply(&faces, options.labels, Role::Evaluation)?);
        let division = split::divide(&faces, &training, &evaluation, &options.split, options.fold, seed)?;
        let pipeline = pipeline(options)?;
        let subset = |labelled: &Arc<Labelled>, indices: Vec<usize>, salt: u64| Subset {
            faces: faces.clone(),
            labelled: labelled.clone(),
            indices: limited(indices, options.limit, seed, salt),
            pipeline: pipeline.clone(),
            workers: options.workers,
        };
        let mut train = subset(&training, division.train, 0);
        let validation = subset(&evaluation, division.validation, 1);
        let test = subset(&evaluation, division.test, 2);
        let leaks = audit::leaks_between(&faces, &train.rows(), &validation.rows(), &test.rows());
        let before = train.len();
        if options.drop_leaks {
            let leaking: HashSet<u32> = leaks.training.iter().copied().collect();
            train.indices.retain(|&i| !leaking.contains(&training.rows[i]));
        }
        for (name, set) in [("training", &train), ("validation", &validation), ("test", &test)] {
            if set.is_empty() {
                bail!(
                    "the {name} set is empty: {} has no rows for it under labels `{:?}` and this split; \
                     `ferrotype data info {}` shows what there is",
                    options.path.display(),
                    options.labels,
                    options.path.display()
                );
            }
        }
        let facts = facts(options, &faces, [&train, &validation, &test], &leaks, before - train.len());
        let facts = Facts { notes: division.notes, ..facts };
        let augmentation = Augmentation::new(&options.augment)?;
        Ok(Self { train, validation, test, facts, augmentation, options: options.clone() })
    }

    /// Training batches.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn training_loader(&self, batch_size: usize, seed: u64) -> Result<Loader> {
        self.training_loader_of(&Epochs { batch_size, seed, views: None }, None)
    }

    /// Training batches whose augmented views may take turns, preprocessed by another pipeline than the experiment's where
    /// one is given. The same epochs give the same examples in the same places, each changed by the same random choices,
    /// whatever the pipeline.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn training_loader_of(&self, epochs: &Epochs, pipeline: Option<&Pipeline>) -> Result<Loader> {
        let augmentation = Some(self.augmentation.clone());
        let training = Training { sampler: self.options.sampler, augmentation, seed: epochs.seed, views: epochs.views };
        self.train.with_pipeline(pipeline).loader(Some(training), epochs.batch_size)
    }

    /// The training pictures in row order; epoch v shows view v ([`Loader::with_views`]).
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn view_loader(&self, epochs: &Epochs, pipeline: Option<&Pipeline>) -> Result<Loader> {
        let loader = self.train.with_pipeline(pipeline).loader(None, epochs.batch_size)?;
        Ok(loader.with_views(self.augmentation.clone(), epochs.seed))
    }

    /// The training pictures in row order, unchanged.
    ///
    /// # Errors
    /// When the options cannot be met.
    pub fn plain_loader(&self, epochs: &Epochs, pipeline: Option<&Pipeline>) -> Result<Loader> {
        self.train.with_pipeline(pipeline).loader(None, epochs.batch_size)
    }

    /// Training batches of stored values in place of pictures.
    ///
    /// # Errors
    /// When they are of other examples, or pictures are mixed.
    pub fn stored_loader(&self, epochs: &Epochs, stored: Arc<Stored>) -> Result<Loader> {
        self.training_loader_of(epochs, None)?.with_stored(stored)
    }

    /// The random changes to training pictures.
    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// Class names.
    pub fn classes(&self) -> &[String] {
        &self.train.labelled.classes
    }

    /// `[channels, height, width]` of the model's input.
    pub fn input(&self) -> [usize; 3] {
        self.train.pipeline.shape()
    }

    /// Whether selecting on the validation set would be selecting on the test set.
    pub fn is_validation_test(&self) -> bool {
        matches!(self.options.split, SplitRule::OwnMerged)
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
    let labelled = Arc::new(labels::apply(&faces, labels, Role::Evaluation)?);
    let of = |part: Split| -> Vec<usize> {
        (0..labelled.len()).filter(|&i| faces.splits[labelled.rows[i] as usize] == part).collect()
    };
    let mut indices = of(part.unwrap_or(Split::Test));
    if part.is_none() && indices.is_empty() {
        indices = (0..labelled.len()).collect();
    }
    if indices.is_empty() {
        let part = part.map_or_else(String::new, |part| format!(" in its {} set", part.word()));
        bail!("there are no rows with labels `{}`{part}", labels::word(labels));
    }
    Ok(Subset { faces, labelled, indices, pipeline: pipeline(options)?, workers: options.workers })
}

fn pipeline(options: &DataOptions) -> Result<Pipeline> {
    let pictures = options.clips.as_ref().map_or(1, super::options::SegmentOptions::pictures);
    Ok(Pipeline::new(&options.preprocess)?.with_pictures(pictures))
}

/// A prepared file as these options take it: its pictures, or its clips cut into segments.
///
/// # Errors
/// When it cannot be read, or holds clips where pictures are wanted or the other way round.
pub fn load(path: &Path, options: &DataOptions) -> Result<FaceSet> {
    let holds_clips = store::format_of(path).is_some_and(|format| format == clips::store::FORMAT);
    match &options.clips {
        Some(segments) => clips::face_set(path, segments),
        None if holds_clips => bail!(
            "{} holds clips: say in the experiment how they become examples, for instance\n  data: {{clips: {{parts: [mouth, \
             full_face], frames: 10}}}}",
            path.display()
        ),
        None => store::read(path),
    }
}

/// The prepared file, made first where it does not exist and the experiment says how.
///
/// # Errors
/// When it can be neither read nor made.
pub fn obtain(options: &DataOptions) -> Result<FaceSet> {
    if options.path.is_file() {
        let faces = load(&options.path, options)?;
        check_drawn(&faces, options)?;
        return Ok(faces);
    }
    let Some(source) = &options.source else {
        bail!(
            "there is no data file {}: make it with `ferrotype data prepare` (see datasets/README.md), or say in the \
             experiment how (data.source)",
            options.path.display()
        );
    };
    if let Some(folder) = options.path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let made = || -> Result<()> {
        if crate::clips::is_clips(source) {
            return crate::clips::prepare(source, &options.path, &command_line()).map(drop);
        }
        store::write(&sources::prepare(source, &command_line())?, &options.path)
    };
    made().with_context(|| format!("cannot make {}", options.path.display()))?;
    // Read back, so that training sees exactly what a later run will see.
    load(&options.path, options)
}

/// Refuses drawn faces that are there already, but are not those that the experiment says how to draw: a trial with
/// another number of them would otherwise silently be one with the old.
fn check_drawn(faces: &FaceSet, options: &DataOptions) -> Result<()> {
    if let Some(SourceOptions::DrawnClips(wanted)) = &options.source {
        let note = wanted.note()?;
        let notes = &faces.provenance.notes;
        let other = notes.iter().find(|n| n.starts_with(DrawnClipsOptions::NOTE) && **n != note);
        ensure!(
            other.is_none(),
            "{} holds other clips than data.source.drawn_clips asks for ({}): remove the file, or name another with \
             data.path",
            options.path.display(),
            other.map_or("", String::as_str)
        );
        return Ok(());
    }
    let Some(SourceOptions::Synthetic(wanted)) = &options.source else { return Ok(()) };
    let (count, size) = (faces.len(), faces.images.width);
    if faces.provenance.synthetic && (count, size) != (wanted.count, wanted.size) {
        bail!(
            "{} holds {count} drawn faces of {size} pixels, but data.source.synthetic asks for {} of {}: remove the file, or \
             name another with data.path",
            options.path.display(),
            wanted.count,
            wanted.size
        );
    }
    Ok(())
}

/// sha256 of all pixels, in row order.
fn pixels_sha256(faces: &FaceSet) -> String {
    digest::sha256(&faces.images.pixels)
}

/// The first so many by a seeded shuffle, in row order again.
pub(crate) fn limited(mut indices: Vec<usize>, limit: Option<usize>, seed: u64, salt: u64) -> Vec<usize> {
    if let Some(limit) = limit.filter(|l| *l < indices.len()) {
        Stream::of(seed, Purpose::Division, &[1000 + salt]).shuffle(&mut indices);
        indices.truncate(limit);
        indices.sort_unstable();
    }
    indices
}

fn facts(options: &DataOptions, faces: &FaceSet, sets: [&Subset; 3], leaks: &Leaks, dropped: usize) -> Facts {
    let counts = |s: &Subset| {
        let mut counts = vec![0; s.labelled.classes.len()];
        s.indices.iter().for_each(|&i| counts[s.labelled.class(i)] += 1);
        counts
    };
    let subjects = |s: &Subset| -> Option<HashSet<&str>> {
        let names = faces.subjects.as_ref()?;
        Some(s.rows().iter().map(|&r| names[r as usize].as_str()).filter(|n| !n.is_empty()).collect())
    };
    let shared = subjects(sets[0]).zip(subjects(sets[2])).map(|(a, b)| a.intersection(&b).count());
    let clips = |s: &Subset| -> Option<HashSet<u32>> {
        let segments = faces.segments.as_ref()?;
        Some(s.rows().iter().map(|&r| segments.clips[r as usize]).collect())
    };
    let shared_clips =
        clips(sets[0]).zip(clips(sets[2])).map(|(train, test)| [train.intersection(&test).count(), test.len()]);
    Facts {
        path: options.path.display().to_string(),
        sha256: pixels_sha256(faces),
        source: faces.provenance.source.clone(),
        synthetic: faces.provenance.synthetic,
        classes: sets[0].labelled.classes.clone(),
        input: sets[0].pipeline.shape(),
        sizes: sets.map(Subset::len),
        class_counts: sets.map(counts),
        validation_leaks: leaks.validation.len(),
        test_leaks: leaks.test.len(),
        dropped,
        shared_subjects: shared,
        shared_clips,
        test_subjects: subjects(sets[2]).map(|s| s.len()),
        notes: Vec::new(),
    }
}
