//! Anomalies in a face's behaviour over a video: a person's features are learned by an autoencoder, and what it cannot
//! give again is unusual for that person.
//!
//! The way of the data: [`source`] gives a [`table::FeatureTable`]; [`inputs`] reduces and scales it by what the training
//! frames say; [`windows`] hands it to the training loop; [`autoencoder`] is the network and gives each frame's error;
//! [`rules`] make anomalies of errors; [`results`] writes them; [`measures`] compares them with injected ones and
//! [`baselines`].

pub mod autoencoder;
pub mod baselines;
pub mod cluster;
pub mod experiment;
pub mod generated;
pub mod inputs;
pub mod measures;
pub mod options;
pub mod people;
pub mod results;
pub mod rules;
mod scaling;
pub mod source;
pub mod table;
pub mod windows;
