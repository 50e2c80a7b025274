//! What every part of Ferrotype needs and nothing else knows of: random numbers by key, and files that appear whole or
//! not at all.

pub mod files;
pub mod random;
