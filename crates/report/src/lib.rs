//! Reports: a run's figures in the forms that people and tools open.
//!
//! Everything here takes plain data ([`RunView`], [`AggregateView`]) and knows nothing of how it came about:
//!
//! - [`write_run`] writes plots, `metrics.json`, `predictions.csv` and `report.html` of one run;
//!   [`write_aggregate`] does so for several seeds or folds, [`write_sweep`] for a sweep;
//! - [`ablation`] puts variants of an experiment side by side;
//! - `ferrotype_run::history` reads and writes `metrics.jsonl`, `ferrotype_run::tensorboard` TensorBoard's event files, while training runs;
//! - [`terminal`] makes the last lines that a run prints.
//!
//! Output is a function of the data alone: the same view gives the same bytes.

pub mod ablation;
pub mod analysis;
pub mod anomalies;
mod attack;
mod card;
mod context;
mod evaluation;
mod figure;
pub mod head_predictions;
pub mod heads;
mod html;
pub mod overlay;
mod plots;
pub mod predictions;
pub mod real_fake;
mod saliency;
mod sections;
mod sweep;
pub mod terminal;
mod verdict;
mod view;
mod write;

pub use attack::{AttackPoint, AttackView};
pub use card::{CardView, card};
pub use evaluation::{EvaluationView, SeenShare};
pub use figure::Figure;
pub use plots::{
    ExampleView, accuracy_curves, adversarial_examples, confusion_matrix, explanation, learning_rate, loss_curves,
    mistakes, per_class, reliability, robust_accuracy,
};
pub use saliency::{MapView, SaliencyTile, SaliencyView};
pub use sweep::{SweepAxis, SweepShare, SweepState, SweepTrial, SweepView, write_sweep};
pub use verdict::{Verdict, verdict};
pub use view::{
    AggregateView, CalibrationView, DatasetView, ExpectView, Face, LeakFigure, Mistake, ModelView, OnnxView, RunRow,
    RunView, SelectionView, SetView, Warning, worst_mistakes,
};
pub use write::{read_metrics, read_test_scores, write_aggregate, write_metrics, write_run};

#[cfg(test)]
mod tests;
