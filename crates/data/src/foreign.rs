//! What the files of other programs have in common: numbers as each system prints them, and which file belongs to a row.

mod names;
mod number;

pub use names::{Files, Names, short_names};
pub use number::number;
