//! stub
use crate::model::Network;
use anyhow::Result;
pub struct Autoencoder;
impl Autoencoder {
    pub fn errors(&self, _n: &Network, _v: &[f32]) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }
}
