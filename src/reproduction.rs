//! Published results and what came of repeating them: the registry, the mark of a run that repeats one, the verdict, and
//! the table of all.

mod cost;
mod entry;
mod mark;
mod outcome;
pub mod queue;
mod registry;
mod table;
mod verdict;

pub use cost::{Costs, epochs_left};
pub use entry::{Entry, Need, Published, Recipe, SelectedOn};
pub use mark::{Mark, RecipeComparison, comparison};
pub use outcome::{Outcome, Unfinished, outcome};
pub use registry::Registry;
pub use table::{Line, csv, duration, lines, markdown, not_run_here};
pub use verdict::{Kind, Verdict, verdict};
