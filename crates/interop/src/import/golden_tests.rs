//! Published weights score what they scored. Runs where FERROTYPE_DATA names the folder of verification data; the
//! figures on FER2013 and FER+ also need fer2013.csv (see `data::real_data`).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::*;
use ferrotype_base::random::Stream;
use ferrotype_data::options::{DataOptions, LabelMode, Resize};
use ferrotype_data::preprocess::{Picture, Pipeline};
use ferrotype_data::task::{Subset, of_faces};
use ferrotype_data::{FaceSet, Split, real_data};
use ferrotype_evaluation::score;
use ferrotype_model::{ModelOptions, Network};
use ferrotype_needs::needs;
use ferrotype_training::options::Evaluate;
use ferrotype_training::progress::Style;
use ferrotype_training::scoring;

fn weights() -> PathBuf {
    real_data::data_folder().join("weights")
}

/// A published network, ready to be scored.
struct Published {
    network: Network,
    matched: Matched,
}

/// The file as a network, by the form that fits it.
fn published(model: &str, file: &str, head: Head, classes: Option<&[String]>) -> Published {
    let foreign = read(&weights().join(file)).unwrap();
    let all = ModelOptions::all();
    let origins = all.iter().find(|m| m.name() == model).unwrap().architecture().origins();
    let forms = origins.into_iter().map(|o| ExpectedForm {
        model: o.model.clone(),
        preprocess: o.preprocess.clone(),
        origin: o,
    });
    let matched = match_form(&foreign, forms.collect(), head, classes).unwrap();
    let mut network = Network::new(Arc::new(matched.graph.clone()), 0, &Device::flex());
    let mut state = matched.state.clone();
    state.extend(network.state().unwrap().into_iter().filter(|t| matched.reinit.contains(&t.name)));
    network.load_state(state).unwrap();
    Published { network, matched }
}

impl Published {
    /// The logits of the rows of both held-out sets, whatever their labels: they are computed once for all.
    fn logits(&self, faces: &Arc<FaceSet>, options: &DataOptions) -> HashMap<u32, Vec<f32>> {
        let mut logits = HashMap::new();
        for part in [Split::Validation, Split::Test] {
            let subset = of_faces(faces.clone(), LabelMode::Original, Some(part), options).unwrap();
            let mut quiet = Style::Quiet.start();
            let found = scoring::predict(&self.network, &subset, &Evaluate::default(), quiet.as_mut()).unwrap();
            let rows = found.logits.chunks_exact(self.matched.classes.len());
            logits.extend(found.rows.iter().copied().zip(rows.map(<[f32]>::to_vec)));
        }
        logits
    }

    fn options(&self, resize: Option<Resize>) -> DataOptions {
        let mut preprocess = self.matched.expected.preprocess.clone();
        preprocess.resize = resize.unwrap_or(preprocess.resize);
        serde_json::from_value(serde_json::json!({ "path": "none.h5", "preprocess": preprocess })).unwrap()
    }

    fn expect(
        &self,
        faces: &Arc<FaceSet>,
        options: &DataOptions,
        logits: &HashMap<u32, Vec<f32>>,
        known: &[(LabelMode, Split, f64, usize)],
    ) {
        for &(labels, part, accuracy, rows) in known {
            let subset = of_faces(faces.clone(), labels, Some(part), options).unwrap();
            let (subset, dropped): (Subset, usize) = subset.with_classes(&self.matched.classes, false).unwrap();
            assert_eq!(dropped, 0);
            let mut predictions = scoring::without_logits(&subset);
            predictions.logits = predictions.rows.iter().flat_map(|row| &logits[row]).copied().collect();
            let found = 100.0 * score(&predictions).unwrap().get("accuracy").unwrap().value;
            let n = subset.len();
            println!("{labels:?} {part:?}: {found:.2} % of {n}, published {accuracy:.2} % of {rows}");
            assert!((found - accuracy).abs() < 0.05 && n == rows, "{found} of {n} instead of {accuracy} of {rows}");
        }
    }
}

const MINI: &str = "mini_xception_fer2013_102.hdf5";
const EMOPY: &str = "emopy_ferplus_50ep.h5";

/// The reference is an ONNX file that others made of the same weights: NHWC input in [-1, 1], softmax out.
#[needs(data)]
#[test]
fn mini_xception_equals_its_onnx_reference() {
    let Published { network, .. } = published("mini_xception", MINI, Head::File, None);
    assert_eq!(network.graph().value_count(), 58_423);
    let reference = weights().parent().unwrap().join("onnx/mini_xception_fer2013_102.onnx");
    let reference = rten::Model::load(std::fs::read(reference).unwrap()).unwrap();
    let mut s = Stream::new(9);
    let x: Vec<f32> = (0..4 * 64 * 64).map(|_| s.uniform(-1.0, 1.0)).collect();
    let theirs = rten::Value::from_shape(&[4, 64, 64, 1], x.clone()).unwrap();
    let (_, theirs) = reference.run_one(theirs.into(), None).unwrap().into_shape_vec::<f32, 2>().unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(x, [4, 1, 64, 64]), &Device::flex());
    let worst = worst(&probabilities(&network, x), &theirs);
    println!("largest difference of a probability: {worst:e}");
    assert!(worst < 1e-5, "{worst}");
}

#[needs(data, fer2013)]
#[test]
fn mini_xception_scores_what_it_scored_on_fer2013() {
    use LabelMode::Original;
    let network = published("mini_xception", MINI, Head::File, None);
    let faces = real_data::shared(false);
    for (resize, public, private) in [(Resize::Bilinear, 65.25, 65.67), (Resize::BilinearOpencv, 65.53, 65.48)] {
        let options = network.options(Some(resize));
        let logits = network.logits(&faces, &options);
        let known = [(Original, Split::Validation, public, 3589), (Original, Split::Test, private, 3589)];
        network.expect(&faces, &options, &logits, &known);
    }
}

#[needs(data, fer2013)]
#[test]
fn emopy_scores_what_it_scored_by_both_forms_of_the_votes() {
    use LabelMode::{ArgmaxEight, Majority};
    let network = published("emopy_cnn", EMOPY, Head::File, None);
    assert_eq!(network.network.graph().value_count(), 95_816);
    let faces = real_data::shared(false);
    let options = network.options(None);
    let logits = network.logits(&faces, &options);
    let by_fer2013new = [
        (Majority, Split::Test, 79.80, 3153),
        (Majority, Split::Validation, 80.96, 3199),
        (ArgmaxEight, Split::Test, 76.44, 3574),
        (ArgmaxEight, Split::Validation, 77.87, 3579),
    ];
    network.expect(&faces, &options, &logits, &by_fer2013new);
    let faces = real_data::shared(true);
    let by_label_csv = [
        (Majority, Split::Test, 79.76, 3137),
        (Majority, Split::Validation, 80.66, 3191),
        (ArgmaxEight, Split::Test, 76.10, 3573),
        (ArgmaxEight, Split::Validation, 77.62, 3579),
    ];
    network.expect(&faces, &options, &logits, &by_label_csv);
}

/// The probabilities are onnxruntime's on the same weights.
#[needs(data)]
#[test]
fn mobilenet_v2_gives_the_probabilities_of_the_check_file() {
    let file = "mobilenet_v2_1.0_imagenet_dequant.safetensors";
    let Published { network, matched } = published("mobilenet_v2", file, Head::File, None);
    assert_eq!((matched.expected.origin.name, matched.classes.len()), ("folded", 1001));
    let check = read(&weights().join("mobilenet_v2_1.0_check.safetensors")).unwrap();
    let of = |name: &str| &check.tensors.iter().find(|t| t.name == name).unwrap().values;
    let pixels: Vec<u8> = of("images_nhwc_u8").iter().map(|&v| v as u8).collect();
    let pipeline = Pipeline::new(&matched.expected.preprocess).unwrap();
    let x: Vec<f32> = pixels
        .chunks_exact(224 * 224 * 3)
        .flat_map(|p| pipeline.apply(&Picture::new(p, 224, 224, 3).unwrap()))
        .collect();
    let x = Tensor::<4>::from_data(TensorData::new(x, [3, 3, 224, 224]), &Device::flex());
    let worst = worst(&probabilities(&network, x), of("probabilities"));
    println!("largest difference of a probability: {worst:e}");
    assert!(worst < 1e-4, "{worst}");
}

#[needs(data)]
#[test]
fn other_published_files_find_their_places() {
    let micro = published("micro_exp_net", "microexpnet_ck.safetensors", Head::File, None);
    assert_eq!(micro.matched.state.iter().map(|t| t.values.len()).sum::<usize>(), 65_000);
    let names: Vec<String> = ["a", "b"].map(Into::into).to_vec();
    let file = "mobilenet_v2_0.35_imagenet_notop.safetensors";
    let backbone = published("mobilenet_v2", file, Head::New, Some(&names));
    assert_eq!(backbone.matched.state.iter().map(|t| t.values.len()).sum::<usize>(), 410_208);
    assert_eq!(backbone.matched.reinit, ["head.logits.weight", "head.logits.bias"]);
    assert_eq!(backbone.matched.expected.origin.name, "keras");
}

fn probabilities(network: &Network, x: Tensor<4>) -> Vec<f32> {
    let p = burn::tensor::activation::softmax(network.forward(x).unwrap(), 1);
    p.into_data().try_into_vec().unwrap()
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
