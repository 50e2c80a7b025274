//! Searches for good settings of an experiment.
//!
//! - [`options`] is a sweep file as types, [`check`] what is impossible in one;
//! - [`space`] maps points of the unit cube to values of the experiment's keys;
//! - [`sampler`] chooses the points of a trial, [`pruner`] ends trials that lag behind;
//! - [`study`] is the folder that workers share: claims, journals, and what they add up to;
//! - [`worker`] claims trials and sees them through, by what [`launch`] asks of whoever begins their runs;
//! - [`slots`] divides a machine's GPUs and cores among several jobs;
//! - [`importance`] says which settings mattered; [`table`] shows the trials;
//! - [`template`] writes what begins workers elsewhere; [`slurm`] asks a Slurm cluster how they stand.
//!
//! Nothing here knows what a trial trains: see [`launch::Launcher`].

pub mod check;
pub mod curve;
mod domain;
pub mod importance;
pub mod launch;
pub mod options;
pub mod pruner;
pub mod sampler;
pub mod slots;
pub mod slurm;
pub mod space;
pub mod study;
pub mod table;
pub mod template;
pub mod worker;
