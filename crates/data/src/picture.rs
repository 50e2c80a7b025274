//! Picture files: which files are pictures, and how a file becomes pixels.
//!
//! There is one way from the bytes of a file to a [`Photo`], for preparing, predicting and everything else: the format is
//! known by content; the size in the header is checked before anything is decoded; files that are cut off or damaged are
//! refused where a decoder would fill up with grey; the picture is turned as its EXIF orientation says, laid on white where
//! it is transparent, and given 8 bits per value, grey or RGB. There is one rule, too, of what a search of folders takes up
//! ([`files`]).

mod crop;
mod decode;
pub mod files;
mod format;
mod jpeg;
mod photo;
mod png;
#[cfg(test)]
mod tests;

pub use decode::{MAX_PIXELS, dimensions, dimensions_of};
pub use format::ENDINGS;
pub use photo::Photo;
