use burn::tensor::Device;
use ferrotype_kernels::Isa;

use super::*;
use ferrotype_ops::Compute;
use ferrotype_training::checkpoint::Checkpoint;

fn worker() -> Worker {
    Worker::new(Optimizer::Adam, Compute::Native(Isa::detect()), Device::flex(), 2)
}

#[test]
fn orders_are_read_and_others_refused() {
    assert_eq!("train vgg13 32 5".parse::<Order>().unwrap(), Order::Train("vgg13".into(), 32, 5));
    assert_eq!(" drop ".parse::<Order>().unwrap(), Order::Drop);
    let lstm = Recurrent::Lstm { batch: 2, steps: 5, inputs: 3, hidden: 4, layers: 2 };
    assert_eq!("recurrent lstm:2:5:3:4:2 train 3".parse::<Order>().unwrap(), Order::Recurrent(lstm, true, 3));
    let bad =
        ["recurrent lstm:2:5:3:4 train 3", "recurrent lstm:2:0:3:4:1 train 3", "recurrent conv_lstm:1:2:3:2:4 infer 1"];
    for bad in bad.into_iter().chain(["", "train vgg13 32", "train vgg13 x 5", "hdf5", "sleep 3"]) {
        assert!(bad.parse::<Order>().is_err(), "{bad}");
    }
}

#[test]
fn times_have_a_middle_and_a_least() {
    let times = Times::of(&[4.0, 1.0, 2.0, 3.0]);
    assert_eq!((times.median_ms, times.min_ms, times.count), (2.5, 1.0, 4));
    assert_eq!(times.images_per_second(5), 2000.0);
}

#[test]
fn a_small_network_is_measured() {
    let mut worker = worker();
    let mut ask = |line: &str| worker.answer(&line.parse().unwrap()).unwrap();
    let first = ask("train micro_exp_net 2 2");
    assert_eq!((first["ms"].as_array().unwrap().len(), first["parameters"].as_u64()), (2, Some(65_000)));
    assert!(first["first_ms"].is_number() && ask("train micro_exp_net 2 1")["first_ms"].is_null());
    assert_eq!(ask("infer micro_exp_net 1 3")["ms"].as_array().unwrap().len(), 3);
    assert_eq!(ask("loader 48 8 3 augmented")["ms"].as_array().unwrap().len(), 1);
    let onnx = ask("onnx micro_exp_net 2 3");
    assert!(onnx["ms"].as_array().unwrap().len() == 3 && onnx["first_ms"].is_number(), "{onnx}");
    assert!(ask("onnx micro_exp_net 2 1")["first_ms"].is_null());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.onnx");
    ask(&format!("graph micro_exp_net {}", file.display()));
    assert!(std::fs::metadata(&file).unwrap().len() > 4 * 65_000);
    let read = ask("hdf5 2");
    assert_eq!((read["ms"].as_array().unwrap().len(), &read["batch"], &read["mib"]), (2, &8192.into(), &18.0.into()));
    for layer in ["lstm:2:5:3:4:2", "conv_lstm:2:3:1:6:4"] {
        for mode in ["train", "infer"] {
            assert_eq!(ask(&format!("recurrent {layer} {mode} 3"))["ms"].as_array().unwrap().len(), 3);
        }
    }
}

#[test]
fn an_unknown_network_is_named_with_the_known_ones() {
    let text = worker().answer(&Order::Train("vgg99".into(), 1, 1)).unwrap_err().to_string();
    assert!(text.contains("vgg99") && text.contains("micro_exp_net"), "{text}");
}

#[test]
fn written_weights_hold_pictures_and_logits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.safetensors");
    worker().answer(&Order::Weights("micro_exp_net".into(), 3, file.clone())).unwrap();
    let tensors = Checkpoint::load(&file).unwrap().tensors;
    let shape = |name: &str| tensors.iter().find(|t| t.name == name).unwrap().shape.clone();
    assert_eq!((shape("pixels"), shape("logits")), (vec![3, 1, 84, 84], vec![3, 8]));
    assert_eq!(shape("conv1.weight"), [16, 1, 8, 8]);
}

#[test]
fn a_breakdown_names_the_parts_of_a_step() {
    let model = model("mini_xception").unwrap();
    let compute = Compute::Native(Isa::detect());
    let mut subject = Subject::new(&model, 2, Optimizer::Sgd, compute, &Device::flex()).unwrap();
    let text = breakdown(&mut subject, 1).unwrap();
    for part in [
        "conv depthwise backward, all at once",
        "conv pointwise backward weight",
        "batch norm backward",
        "loss forward",
        "update",
        "copies",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn the_cpu_computes_every_layer_alike_by_both_kernels() {
    let side = |compute| parity::Side { device: Device::flex(), compute };
    let (native, burn) = (side(Compute::Native(Isa::detect())), side(Compute::Burn));
    for (name, _) in ferrotype_model::samples::SAMPLES {
        let itself = parity::layer(name, &native, &native).unwrap();
        assert_eq!(itself.largest(), 0.0, "{itself:?}");
        let apart = parity::layer(name, &native, &burn).unwrap();
        assert!(apart.largest() < 1e-4, "{apart:?}");
        // Where nothing at all is apart, both sides are one.
        assert!(apart.largest() > 0.0 || name.starts_with("max_pool") || name == "token_places", "{apart:?}");
    }
    let network = parity::network("micro_exp_net", 4, &[1, 5], &native, &burn).unwrap();
    assert!(network.same_weights && network.logits < 1e-4, "{network:?}");
    assert_eq!(network.losses.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [1, 5]);
    assert!(network.losses.iter().all(|(_, apart)| *apart < 1e-3), "{network:?}");
}

#[test]
fn differences_are_relative_and_a_nan_is_infinite() {
    assert_eq!(parity::difference(&[1.0, -4.0], &[1.5, -4.0], 0.0).unwrap(), 0.125);
    assert_eq!(parity::difference(&[1.0, -4.0], &[1.5, -4.0], 5.0).unwrap(), 0.1);
    assert_eq!(parity::difference(&[0.0], &[0.5], 0.0).unwrap(), 0.5);
    assert_eq!(parity::difference(&[1.0, 2.0], &[f32::NAN, 2.0], 0.0).unwrap(), f64::INFINITY);
    assert!(parity::difference(&[1.0], &[1.0, 2.0], 0.0).is_err());
}
