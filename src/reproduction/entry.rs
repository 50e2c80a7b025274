//! One published result: what was published, how it was chosen, and how it is repeated here.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{AnyExperiment, Expect};
use crate::systems::loaded::load;
use ferrotype_evaluation::metrics::{find, format_value};
use ferrotype_run::group::parse_values;

/// A published result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The file's name without `.yaml`.
    pub name: String,
    /// One line.
    pub title: String,
    /// Whose system, with the commit that was read.
    pub system: String,
    /// The paper.
    pub paper: String,
    /// The data.
    pub dataset: String,
    /// Exactly what was trained and scored on what, there and here.
    pub protocol: String,
    /// Published figures. The first is the one to be reproduced; none means there is none.
    #[serde(default)]
    pub published: Vec<Published>,
    /// Our configuration. None: it cannot be run, and `no_run` says why.
    #[serde(default)]
    pub recipe: Option<Recipe>,
    /// Why there is no recipe.
    #[serde(default)]
    pub no_run: String,
    /// Why our full recipe cannot be compared with the published figure, where it cannot.
    #[serde(default)]
    pub not_comparable: String,
    /// Points (0 to 1) by which a result may differ and count as reproduced.
    pub tolerance: f64,
    /// What it needs that is not part of Ferrotype.
    #[serde(default)]
    pub needs: Vec<Need>,
}

/// A published figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The metric, as `metrics.json` names it.
    pub metric: String,
    /// Its value, 0 to 1.
    pub value: f64,
    /// What stands behind its +-, where something does.
    #[serde(default)]
    pub spread: Option<f64>,
    /// Over how many runs, where that is known.
    #[serde(default)]
    pub runs: Option<usize>,
    /// Where it stands.
    pub source: String,
    /// What chose the weights that were scored.
    pub selected_on: SelectedOn,
    /// Whether the figure was read at its source.
    pub confirmed: bool,
    /// What else is to be known of it.
    #[serde(default)]
    pub note: String,
}

/// What chose the weights behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectedOn {
    /// A set that was not scored.
    Validation,
    /// The set that was scored: the figure is optimistic.
    Test,
    /// Not known.
    Unknown,
    /// Nothing was selected.
    None,
}

impl SelectedOn {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Unknown => "unknown",
            Self::None => "nothing",
        }
    }
}

/// How a result is repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The experiment file, relative to the folder that holds the registry's folder.
    pub config: PathBuf,
    /// What is laid over it: `key=value`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Seeds where none are asked for.
    pub seeds: String,
    /// Whether each seed is trained on all folds of the split, and pooled.
    #[serde(default)]
    pub folds: bool,
    /// About how many seconds one seed takes on two AMD EPYC cores with AVX-512: by this `reproduce all` orders its work.
    pub seconds: f64,
}

/// Something that an entry needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// What.
    pub what: String,
    /// Any one of these will do, relative to the working directory.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// The experiment's key that names the file: what it names will do, too.
    #[serde(default)]
    pub key: Option<String>,
    /// How to get it.
    pub how: String,
    /// Whether it is not free to fetch: somebody has to be asked.
    #[serde(default)]
    pub licensed: bool,
}

impl Entry {
    /// Looks at the values.
    ///
    /// # Errors
    /// Where one is impossible.
    pub fn check(&self) -> Result<()> {
        for figure in &self.published {
            find(&figure.metric)?;
            ensure!((0.0..=1.0).contains(&figure.value), "published.value {} is not between 0 and 1", figure.value);
        }
        ensure!((0.0..1.0).contains(&self.tolerance), "tolerance {} is not between 0 and 1", self.tolerance);
        ensure!(
            self.recipe.is_some() == self.no_run.is_empty(),
            "an entry has either a recipe or, in no_run, the reason why there is none"
        );
        if let Some(recipe) = &self.recipe {
            parse_values(&recipe.seeds)?;
            ensure!(recipe.seconds > 0.0, "recipe.seconds must be above 0");
        }
        Ok(())
    }

    /// The figure to be reproduced.
    pub fn figure(&self) -> Option<&Published> {
        self.published.first()
    }

    /// The metric by which a run is judged.
    pub fn metric(&self) -> &str {
        self.figure().map_or("accuracy", |f| &f.metric)
    }

    /// The full recipe as an experiment, with more overrides laid over it; `root` is the folder of the registry's folder.
    ///
    /// # Errors
    /// When there is none, its file cannot be read, or the overrides make no experiment.
    pub fn experiment(&self, root: &Path, sets: &[String]) -> Result<AnyExperiment> {
        let recipe = self.recipe.as_ref().with_context(|| format!("{} is not run: {}", self.name, self.no_run))?;
        let path = root.join(&recipe.config);
        ensure!(
            path.is_file(),
            "{} needs the experiment file {}, which is not here: run it from Ferrotype's source folder, or name that \
             folder's registry with --registry",
            self.name,
            path.display()
        );
        let mut experiment = load(&path, &[recipe.set.clone(), sets.to_vec()].concat())?;
        // One place says what is expected: the report shows what the table does.
        experiment.set_expect(self.expect()).with_context(|| self.name.clone())?;
        Ok(experiment)
    }

    fn expect(&self) -> Option<Expect> {
        let figure = self.figure()?;
        let mut notes = Vec::new();
        if !figure.confirmed {
            notes.push("Unconfirmed.".to_owned());
        }
        if figure.selected_on == SelectedOn::Test {
            notes.push("Selected on the test set, so optimistic.".into());
        }
        if !self.not_comparable.is_empty() {
            notes.push(format!("Not comparable: {}.", self.not_comparable));
        }
        notes.extend((!figure.note.is_empty()).then(|| figure.note.clone()));
        Some(Expect {
            metric: figure.metric.clone(),
            value: figure.value,
            tolerance: self.tolerance,
            source: figure.source.clone(),
            note: notes.join(" "),
            time: String::new(),
        })
    }

    /// What is missing for an experiment of this entry; none where it can run. Without an experiment only the files
    /// named in the registry count.
    pub fn missing(&self, experiment: Option<&AnyExperiment>) -> Vec<&Need> {
        let resolved = experiment.map(AnyExperiment::to_json).unwrap_or_default();
        let there = |need: &Need| {
            let named = need.key.as_ref().and_then(|key| at(&resolved, key).as_str().map(PathBuf::from));
            // A file that is named and absent is made of the registry's files, if it is one of them that is absent.
            need.files.iter().chain(named.as_ref()).any(|path| path.exists())
        };
        self.needs.iter().filter(|need| !there(need)).collect()
    }
}

impl Need {
    /// What, and how to get it.
    pub fn text(&self) -> String {
        format!("{} ({})", self.what, self.how)
    }
}

impl Published {
    /// Value and spread, with `(unconfirmed)` where it is that.
    pub fn text(&self) -> String {
        let value = find(&self.metric).map_or_else(|_| self.value.to_string(), |m| format_value(m, self.value));
        let spread = self.spread.map_or_else(String::new, |s| format!(" +- {:.2}", 100.0 * s));
        let unconfirmed = if self.confirmed { "" } else { " (unconfirmed)" };
        format!("{} {value}{spread}{unconfirmed}", self.metric)
    }
}

/// The value of a key like `train.epochs`; null where there is none.
pub fn at<'v>(value: &'v Value, key: &str) -> &'v Value {
    key.split('.').fold(value, |v, part| &v[part])
}
