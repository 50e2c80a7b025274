//! Classical classifiers of facial expressions: what a network must beat to be worth its training. They see the pixels of a
//! prepared file as the experiment's preprocessing gives them, one row of features for each picture.
//!
//! The way of the data: [`rows`] makes features of a training and a test set; a [`Method`] is fitted on the first and says of
//! which class each row of the second is.

mod experiment;
mod method;
pub mod methods;
pub mod rows;

pub use experiment::{BaselineExperiment, BaselineSystem};
pub use method::{Method, MethodOptions, Outcome, Problem};
