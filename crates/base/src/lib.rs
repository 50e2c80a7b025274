//! What every part of Ferrotype needs and nothing else knows of: random numbers by key, files that appear whole or not at
//! all, and small things for files: checks, digests, zip archives, arrays of NumPy, pointers of Git LFS, lists of names; what the
//! system tells of the process and of the energy that the machine takes.

pub mod crc;
pub mod digest;
pub mod energy;
pub mod files;
pub mod lfs;
pub mod npy;
pub mod problems;
pub mod process;
pub mod random;
pub mod statistics;
pub mod targets;
pub mod text;
pub mod zip;
