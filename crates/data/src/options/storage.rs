//! How the pictures of a prepared file are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sets with more bytes of pixels than this do not stay in memory.
const IN_MEMORY: u64 = 512 << 20;
/// Bytes after which a shard is full, unless more shards than [`MOST_SHARDS`] would come of it.
const SHARD: u64 = 512 << 20;
/// Each shard is a file that is open while the set is used: systems allow a process some 1000.
const MOST_SHARDS: u64 = 512;

/// How pictures are kept in a prepared file: small sets within it, large ones beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct StorageOptions {
    /// What is kept of each picture.
    #[arg(id = "store", long = "store", value_enum, default_value_t, global = true, value_name = "FORM")]
    pub pictures: PictureStorage,
    /// MiB after which a shard is full; sets pictures into shards however few they are. Without, raw pixels of up to 512 MiB
    /// stay in the prepared file and in memory, and shards have 512 MiB.
    #[arg(long, global = true, value_name = "MIB")]
    pub shard_mb: Option<u64>,
    /// Quality of the JPEG files that are made where a picture's own file cannot be kept, 1 to 100.
    #[arg(long, default_value_t = 95, global = true, value_name = "QUALITY")]
    pub jpeg_quality: u8,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self { pictures: PictureStorage::Raw, shard_mb: None, jpeg_quality: 95 }
    }
}

/// What is kept of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum PictureStorage {
    /// Its pixels.
    #[default]
    Raw,
    /// A JPEG file: the picture's own where it is one and was neither resized, cut nor turned, byte by byte; a new one
    /// otherwise. It is decoded each time the picture is loaded.
    Jpeg,
}

impl PictureStorage {
    /// The name, as in the experiment file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Jpeg => "jpeg",
        }
    }
}

impl StorageOptions {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether pictures with so many bytes of pixels go into shards.
    pub fn uses_shards(&self, pixels: u64) -> bool {
        self.shard_mb.is_some() || self.pictures == PictureStorage::Jpeg || pixels > IN_MEMORY
    }

    /// Bytes after which a shard of pictures with so many bytes of pixels is full.
    pub(crate) fn shard_bytes(&self, pixels: u64) -> u64 {
        self.shard_mb.map_or(SHARD, |mb| mb << 20).max(pixels / MOST_SHARDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_options_decide() {
        let plain = StorageOptions::default();
        assert!(!plain.uses_shards(IN_MEMORY) && plain.uses_shards(IN_MEMORY + 1));
        assert!(StorageOptions { shard_mb: Some(1), ..plain.clone() }.uses_shards(1));
        assert!(StorageOptions { pictures: PictureStorage::Jpeg, ..plain.clone() }.uses_shards(1));
        assert_eq!(plain.shard_bytes(1 << 30), SHARD);
        // Never more than 512 files.
        assert_eq!(StorageOptions { shard_mb: Some(1), ..plain }.shard_bytes(1 << 40), 1 << 31);
    }
}
