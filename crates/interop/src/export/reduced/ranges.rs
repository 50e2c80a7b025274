//! The smallest and largest number that each value of a file takes on some pictures.

use std::collections::HashMap;

use anyhow::{Result, anyhow, bail, ensure};

use crate::export::ModelCard;
use crate::export::verify::{CheckBatch, RUNTIME, check_batch};
use ferrotype_model::Network;

/// From the smallest to the largest number of each of these values of the file, over all pictures; 0 is always between them.
///
/// # Errors
/// When the file cannot be run, there are no pictures, or a value is not a finite number.
pub fn of(
    file: &[u8],
    network: &Network,
    card: &ModelCard,
    values: &[String],
    batches: &[CheckBatch],
) -> Result<HashMap<String, [f32; 2]>> {
    ensure!(batches.iter().any(|b| !b.rows.is_empty()), "8-bit values need pictures to see their ranges on");
    let model = rten::Model::load(file.to_vec()).map_err(|e| anyhow!("{RUNTIME} cannot load the file: {e}"))?;
    let id = |name: &str| model.node_id(name).map_err(|e| anyhow!("the ONNX file has no value `{name}`: {e}"));
    let ids = values.iter().map(|name| id(name)).collect::<Result<Vec<_>>>()?;
    let [channels, height, width] = card.input();
    let mut ranges = vec![[0.0f32; 2]; values.len()];
    for batch in batches.iter().filter(|b| !b.rows.is_empty()) {
        check_batch(network, card, batch)?;
        let shape = [batch.rows.len(), channels, height, width];
        let pixels = rten::Value::from_shape(&shape, batch.pixels.clone()).map_err(|e| anyhow!("{e}"))?;
        let outputs = model
            .run(vec![(id("pixels")?, pixels.into())], &ids, None)
            .map_err(|e| anyhow!("{RUNTIME} cannot run the ONNX file: {e}"))?;
        for ((range, name), output) in ranges.iter_mut().zip(values).zip(outputs) {
            let rten::Value::FloatTensor(tensor) = output else { bail!("the value {name} is not one of floats") };
            for v in tensor.into_data() {
                ensure!(v.is_finite(), "the value {name} takes numbers that are not finite");
                *range = [range[0].min(v), range[1].max(v)];
            }
        }
    }
    Ok(values.iter().cloned().zip(ranges).collect())
}
