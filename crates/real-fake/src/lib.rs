//! Real or fake: tells a genuine expression from a posed one in a clip of a face (ICCV'17 ChaLearn, SASE-FE).
//!
//! The way of the data: [`sources`] read clips of a dataset into a [`clip::ClipSet`]: action units or landmarks over
//! time, or published descriptors; [`split`] divides them; a [`method::Method`] (one file each below [`methods`]) is
//! fitted on training clips and gives every clip a score, whose sign is the decision.

pub mod acts;
pub mod baselines;
pub mod clip;
pub mod data;
pub mod experiment;
pub mod frame_table;
pub mod method;
pub mod methods;
pub mod options;
pub mod resample;
pub mod results;
pub mod seen;
pub mod sources;
pub mod split;
pub mod synthesise;
