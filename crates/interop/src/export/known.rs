//! Published networks as ONNX files, for other programs to score. Runs where FERROTYPE_DATA names the folder that holds
//! `weights/`.

use super::*;
use crate::import::{Head, known::published};

/// Writes the published networks for scoring by other programs: see `scripts/score_onnx.py`.
#[test]
#[ignore = "writes files for another program"]
fn published_networks_for_other_runtimes() {
    let Ok(out) = std::env::var("FERROTYPE_ONNX_OUT") else { return };
    for (name, model, file) in [
        ("published_mini_xception", "mini_xception", "mini_xception_fer2013_102.hdf5"),
        ("published_emopy", "emopy_cnn", "emopy_ferplus_50ep.h5"),
        ("published_mobilenet_v2", "mobilenet_v2", "mobilenet_v2_1.0_imagenet_dequant.safetensors"),
    ] {
        let Some(found) = published(model, file, Head::File, None) else { return };
        let card = ModelCard {
            preprocess: found.matched.expected.preprocess.clone(),
            classes: found.matched.classes.clone(),
            properties: BTreeMap::new(),
            clips: None,
        };
        fs::write(Path::new(&out).join(format!("{name}.onnx")), to_onnx(&found.network, &card).unwrap()).unwrap();
    }
}
