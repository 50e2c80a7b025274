//! Ferrotype.
