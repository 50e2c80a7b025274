//! Published weights as networks, and networks as verified ONNX files.

pub mod export;
pub mod import;
