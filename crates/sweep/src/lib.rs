//! Searches for good settings of an experiment.
//!
//! - [`options`] is a sweep file as types, [`check`] what is impossible in one;
//! - [`space`] maps points of the unit cube to values of the experiment's keys;
//! - [`sampler`] chooses the points of a trial, [`pruner`] ends trials that lag behind;
//! - [`study`] is the folder that workers share: claims, journals, and what they add up to;
//! - [`worker`] claims trials and sees them through;
//! - [`importance`] says which settings mattered; [`table`] shows the trials, [`slurm`] writes a cluster's jobs.
//!
//! Nothing here knows what a trial trains: it is launched through [`worker::Launcher`].

pub mod check;
pub mod curve;
pub mod importance;
pub mod options;
pub mod pruner;
pub mod sampler;
pub mod slurm;
pub mod space;
pub mod study;
pub mod table;
pub mod worker;
