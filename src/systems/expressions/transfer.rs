//! What a training builds on: the weights it begins with, what is frozen, stored features, teachers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::text::listed;

use super::Session;
use crate::config::SelectOn;
use crate::published;
use crate::systems::loaded::{self, experiment_of};
use ferrotype_data::loader::Loader;
use ferrotype_data::motion::MotionForm;
use ferrotype_data::options::{Preprocess, SegmentOptions};
use ferrotype_data::task::{DatasetSummary, Epochs, Subset, Task};
use ferrotype_expressions::LoadedRun;
use ferrotype_model::Network;
use ferrotype_model::objective::{DistillationOptions, Signal};
use ferrotype_ops::Compute;
use ferrotype_run::RunFolder;
use ferrotype_training::checkpoint::Checkpoint;
use ferrotype_training::features::{Features, Request};
use ferrotype_training::freeze::Freezing;
use ferrotype_training::initial::sha256_of;
use ferrotype_training::progress::Progress;
use ferrotype_training::teacher::{DistillContext, Ensemble, Teacher, Teaching};

/// How many names of parameters a line of the terminal lists.
const LISTED: usize = 6;

/// What is made ready before the first step.
pub(super) struct Prepared {
    pub freezing: Freezing,
    pub features: Option<Features>,
    pub teaching: Option<Teaching>,
    pub loader: Loader,
}

impl Session<'_> {
    /// The files of weights that the experiment builds on, with their sha256.
    ///
    /// # Errors
    /// When one is missing, or is not the one that the checkpoint was trained with.
    pub(super) fn sources(&self, checkpoint: Option<&Checkpoint>) -> Result<BTreeMap<String, String>> {
        let init = self.experiment.train.init.iter().map(|path| ("train.init", path));
        let sha256 = |key: &str, path: &Path| sha256_of(&published::file_of(key, path)?);
        let teachers = self.experiment.objective.distillation().into_iter().flat_map(|o| &o.teachers);
        let teachers = teachers.map(|path| ("objective.distillation.teachers", path));
        let mut sources = BTreeMap::new();
        for (key, path) in init.chain(teachers) {
            let name = path.display().to_string();
            let before = checkpoint.and_then(|c| c.meta.sources.get(&name));
            let now = match (sha256(key, path), before) {
                // The weights that training began with are in its checkpoint by now.
                (Err(_), Some(before)) if key == "train.init" => before.clone(),
                (now, _) => now.context(key)?,
            };
            if let Some(before) = before.filter(|before| **before != now) {
                bail!(
                    "{key}: {name} holds other weights (sha256 {}...) than those that {} was trained with until now \
                     ({}...): put those back, or train anew",
                    &now[..12],
                    self.job.run.path().display(),
                    &before[..before.len().min(12)]
                );
            }
            sources.insert(name, now);
        }
        Ok(sources)
    }

    /// Fills the network with the weights that training begins with or, where it goes on, those of the checkpoint.
    pub(super) fn begin_with(
        &self,
        network: &mut Network,
        checkpoint: Option<&Checkpoint>,
        classes: &[String],
        progress: &mut dyn Progress,
    ) -> Result<()> {
        if let Some(checkpoint) = checkpoint {
            let weights = checkpoint.tensors.iter().filter(|t| !t.name.contains('/')).cloned().collect();
            return network.load_state(weights).context("cannot resume from the checkpoint");
        }
        let options = &self.experiment.train;
        let Some(path) = &options.init else { return Ok(()) };
        let (model, here) = (&self.experiment.model, &self.experiment.data.preprocess);
        let (source, there) = published::initial(path, model, here, classes).context("train.init")?;
        self.compare_preprocessing(path, there, progress);
        let file = source.file.display().to_string();
        let taken = source.fill(network, &options.reinit).context("train.init")?;
        progress.note(&format!("init     {} tensors from {file}", taken.taken));
        if !taken.reinit.is_empty() {
            progress.note(&format!("reinit   {}", listed(&taken.reinit, LISTED)));
        }
        if !taken.unused.is_empty() {
            progress.note(&format!("unused   {}", listed(&taken.unused, LISTED)));
        }
        Ok(())
    }

    /// Warns where the weights come from pictures of other values.
    fn compare_preprocessing(&self, path: &Path, theirs: Option<Preprocess>, progress: &mut dyn Progress) {
        let of_run = || Some(experiment_of(&RunFolder::open(path).ok()?).ok()?.data.preprocess);
        let Some(there) = theirs.or_else(of_run) else { return };
        let here = &self.experiment.data.preprocess;
        if there.scale != here.scale || there.colour != here.colour {
            progress.warn(&format!(
                "the weights of {} were made for pictures {:?} scaled {:?}, and data.preprocess makes them {:?} scaled {:?}",
                path.display(),
                there.colour,
                there.scale,
                here.colour,
                here.scale
            ));
        }
    }

    /// Resolves what is frozen, and has features stored and teachers asked where that is wanted.
    pub(super) fn build_on(
        &self,
        task: &Task,
        network: &Network,
        compute: Compute,
        progress: &mut dyn Progress,
    ) -> Result<Prepared> {
        let options = &self.experiment.train;
        let freezing = Freezing::new(options, network.graph())?;
        self.say_what_is_frozen(&freezing, network, progress);
        let kernels = compute.to_string();
        let epochs = Epochs { batch_size: options.batch_size, seed: self.experiment.seed, views: self.views()? };
        let features = match &options.feature_cache {
            Some(_) => Some(self.features(task, network, &freezing, epochs, &kernels, progress)?),
            None => None,
        };
        let teaching = match self.experiment.objective.distillation() {
            Some(distillation) => {
                let ensemble = self.ensemble(distillation, task, compute, progress)?;
                let place = DistillContext {
                    task,
                    epochs,
                    pictures: features.is_none(),
                    signal: distillation.signal,
                    kernels: &kernels,
                    folder: self.store(),
                    interrupt: self.job.interrupt,
                };
                Some(Teaching::new(ensemble, &place, progress)?)
            }
            None => None,
        };
        let loader = match &features {
            Some(features) => task.stored_loader(&epochs, features.train.clone())?,
            None => task.training_loader_of(&epochs, None)?,
        };
        Ok(Prepared { freezing, features, teaching, loader })
    }

    /// The set that selects the weights.
    pub(super) fn selection<'t>(&self, task: &'t Task) -> &'t Subset {
        match self.experiment.evaluate.select_on {
            SelectOn::Validation | SelectOn::None => &task.validation,
            SelectOn::Test => &task.test,
        }
    }

    /// The number of augmented views that take turns, where it is limited.
    fn views(&self) -> Result<Option<u64>> {
        let cached = self.experiment.train.feature_cache.as_ref().map(|c| c.views as u64);
        let taught = match self.experiment.objective.distillation().map(|o| o.signal) {
            Some(Signal::Views(views)) => Some(views as u64),
            _ => None,
        };
        if let (Some(a), Some(b)) = (cached, taught)
            && a != b
        {
            bail!(
                "train.feature_cache.views is {a} and objective.distillation.signal.views is {b}: student and teachers are \
                 shown the same views, so both must be the same number"
            );
        }
        Ok(cached.or(taught))
    }

    fn say_what_is_frozen(&self, freezing: &Freezing, network: &Network, progress: &mut dyn Progress) {
        let frozen = freezing.frozen(0);
        let sizes = network.parameters.iter().map(|p| p.shape.iter().product::<usize>());
        let values: usize = sizes.zip(&frozen).filter(|(_, frozen)| **frozen).map(|(size, _)| size).sum();
        if values > 0 {
            let all = network.graph().parameter_count();
            progress.note(&format!("frozen   {values} of {all} parameters at first"));
        }
    }

    fn features(
        &self,
        task: &Task,
        network: &Network,
        freezing: &Freezing,
        epochs: Epochs,
        kernels: &str,
        progress: &mut dyn Progress,
    ) -> Result<Features> {
        let graph = network.graph();
        let Some(entry) = freezing.frozen_until(graph, self.experiment.train.epochs) else {
            bail!(
                "train.feature_cache stores the values of what is frozen from the first layer on and through the whole \
                 training, and that is nothing here: freeze the beginning of the network and do not unfreeze it, or remove \
                 train.feature_cache"
            );
        };
        let evaluate = &self.experiment.evaluate;
        let request = Request {
            network,
            entry,
            task,
            epochs: Epochs { batch_size: evaluate.batch_size, ..epochs },
            selection: self.selection(task),
            mirror: evaluate.flip_average,
            kernels,
            folder: self.store(),
            interrupt: self.job.interrupt,
        };
        let features = request.obtain(progress)?;
        progress.note(&format!("trained  what follows {} on stored features", graph.nodes[entry].name));
        Ok(features)
    }

    /// Where features and teachers' answers are stored.
    fn store(&self) -> PathBuf {
        let given = self.experiment.train.feature_cache.as_ref().and_then(|c| c.folder.clone());
        given.unwrap_or_else(|| self.experiment.data.path.with_file_name("feature-cache"))
    }

    fn ensemble(
        &self,
        options: &DistillationOptions,
        task: &Task,
        compute: Compute,
        progress: &mut dyn Progress,
    ) -> Result<Ensemble> {
        let mut teachers = Vec::new();
        for path in &options.teachers {
            let key = || format!("objective.distillation.teachers: {} cannot teach", path.display());
            let loaded = loaded::open(path, Some(&self.experiment.device.0)).with_context(key)?;
            self.check_inputs(&loaded, task).with_context(key)?;
            let preprocess = loaded.experiment.data.preprocess.clone();
            let (model, size) = (loaded.experiment.model.name(), preprocess.size);
            let views = loaded.experiment.evaluate.views();
            let looks = match views.are_several() {
                true => format!(", one look at each (its own scores are of {})", views.describe()),
                false => String::new(),
            };
            progress.note(&format!("teacher  {}: {model} on {size}x{size} pictures{looks}", path.display()));
            teachers.push(Teacher {
                name: path.display().to_string(),
                network: loaded.network.with_compute(compute),
                classes: loaded.meta.classes,
                preprocess,
                pictures: self.experiment.data.clips.as_ref().map_or(1, SegmentOptions::pictures),
            });
        }
        Ensemble::new(teachers, options, task.classes())
    }

    /// Whether a teacher takes what the student is shown.
    fn check_inputs(&self, teacher: &LoadedRun, task: &Task) -> Result<()> {
        let streams = |clips: &Option<SegmentOptions>| clips.as_ref().map(|c| (c.parts.clone(), c.frames));
        let (own, other) = (&self.experiment.data.clips, &teacher.experiment.data.clips);
        ensure!(
            streams(own) == streams(other),
            "it takes {}, and the student's data are {}: parts and frames of data.clips must be the same",
            shown(other.as_ref()),
            shown(own.as_ref())
        );
        let motion = |facts: &DatasetSummary| facts.motion.as_ref().map_or("faces", MotionForm::name);
        let (own, other) = (motion(&task.facts), motion(&teacher.facts));
        ensure!(own == other, "its pictures hold {other}, and the student's {own}");
        Ok(())
    }
}

/// What a network takes, in words.
fn shown(clips: Option<&SegmentOptions>) -> String {
    clips.map_or_else(
        || "single pictures".to_owned(),
        |c| {
            let parts: Vec<_> = c.parts.iter().map(|part| part.to_string()).collect();
            format!("sequences of {} frames of {}", c.frames, parts.join(", "))
        },
    )
}
