//! Faces in pictures and videos: detectors, landmarks, tracks, frames of video files, clips,
//! micro-expressions.

pub mod clips;
pub mod faces;
pub mod micro;
pub mod video;
