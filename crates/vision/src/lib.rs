//! Faces in pictures and videos: detectors, landmarks, tracks, frames of video files, clips.

pub mod clips;
pub mod faces;
pub mod video;
