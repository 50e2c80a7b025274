//! Models in the browser and over HTTP.
//!
//! What the models are this crate does not know: it asks a [`Models`] what is in a picture and a [`Runs`] what was trained. Its
//! own are the routes, the limits, the token, batches across requests, jobs for videos, server-sent events and the page.
//!
//! The way of a picture: [`guard`](self) refuses strangers, `upload` reads the body within its limits, `work` admits it or
//! answers 429, looks for faces on some threads, and hands the faces to one thread per model, which takes what has gathered
//! as one batch.

mod events;
mod guard;
mod jobs;
mod keep;
mod kinds;
mod metrics;
mod models;
mod options;
mod problem;
mod query;
mod routes;
mod runs;
mod server;
mod state;
mod upload;
mod work;

pub use models::{AnalyzeOptions, Crop, Face, Fault, HeatMap, ModelInfo, Models, ResultFile, Seen, Watch};
pub use options::{Limits, Options, Token};
pub use runs::{RunDetail, RunEntry, Runs, Score, SweepDetail, SweepEntry, SweepTrial};
pub use server::{Server, Stop};
