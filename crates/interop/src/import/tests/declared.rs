//! What files say of their pictures and classes.

use super::*;
use ferrotype_data::options::Scale;

const CLASSES: [&str; 7] = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];

/// Tensors as Keras 3 saves them: by class and place, in the order of the layers' numbers, with `config.json`.
fn archive(tensors: &Tensors, size: usize) -> Vec<u8> {
    let mut layers: BTreeMap<(&str, u64), Vec<(&str, &Stored)>> = BTreeMap::new();
    for (name, tensor) in tensors {
        let (layer, weight) = name.split_once('/').unwrap();
        layers.entry(super::super::keras::kind_and_number(layer)).or_default().push((weight, tensor));
    }
    let mut config = vec![serde_json::json!({
        "class_name": "InputLayer", "config": {"batch_shape": [null, size, size, 1], "name": "input"}
    })];
    let mut b = FileBuilder::new();
    let mut root = b.create_group("layers");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for ((kind, number), weights) in layers {
        let (class, order): (_, &[&str]) = match kind {
            "conv2d" => ("Conv2D", &["kernel", "bias"]),
            "separable_conv2d" => ("SeparableConv2D", &["depthwise_kernel", "pointwise_kernel", "bias"]),
            "batch_normalization" => ("BatchNormalization", &["gamma", "beta", "moving_mean", "moving_variance"]),
            _ => ("Dense", &["kernel", "bias"]),
        };
        let biased = weights.iter().any(|(weight, _)| *weight == "bias");
        let name = format!("{kind}_{number}");
        config.push(serde_json::json!({"class_name": class, "config": {"name": name, "use_bias": biased}}));
        let count = counts.entry(kind).or_default();
        let mut group = root.create_group(&if *count == 0 { kind.to_owned() } else { format!("{kind}_{count}") });
        *count += 1;
        let mut vars = group.create_group("vars");
        let stored = order.iter().filter_map(|&o| weights.iter().find(|(weight, _)| *weight == o));
        for (i, (_, (shape, values))) in stored.enumerate() {
            let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
            vars.create_dataset(&i.to_string()).with_f32_data(values).with_shape(&shape);
        }
        group.add_group(vars.finish());
        root.add_group(group.finish());
    }
    b.add_group(root.finish());
    let mut bytes = Vec::new();
    b.finish_to(&mut bytes).unwrap();
    let model = serde_json::json!({"class_name": "Functional", "config": {"name": "f", "layers": config}});
    ferrotype_base::zip::archive([("config.json", model.to_string().into_bytes()), ("model.weights.h5", bytes)])
        .unwrap()
}

#[test]
fn a_keras_archive_gives_its_values_and_size() {
    let place = Place::new();
    let form = origin("mini_xception", "face_classification");
    let network = network(&form.model, [1, 48, 48], 7);
    let foreign = place.read(&archive(&published(&network, &form), 48)).unwrap();
    assert_eq!((foreign.declared.size, foreign.declared.channels), (Some([48, 48]), Some(1)));
    let preprocess = foreign.declared.apply_to(&form.preprocess).unwrap();
    assert_eq!((preprocess.size, preprocess.colour), (48, Colour::Grey));
    let at_its_size = ExpectedForm { preprocess, ..expected_form(origin("mini_xception", "face_classification")) };
    let found = match_form(&foreign, vec![at_its_size], Head::File, None).unwrap();
    assert_eq!(found.graph.input, [1, 48, 48]);
    same(&filled(&found).unwrap(), &network);
    // The form's own size is 64.
    let text = matched(&foreign, form, Head::File, None).err().unwrap().to_string();
    assert!(text.contains("pictures of 48 x 48 pixels, and data.preprocess.size is 64"), "{text}");
    let names = CLASSES.map(String::from);
    matched(&foreign, origin("mini_xception", "face_classification"), Head::New, Some(&names)).unwrap();
}

/// Keras 3.15 with jax: `Sequential([Input((8, 8, 1)), Conv2D(2, 3, name="first"), BatchNormalization(),
/// Sequential([Conv2D(1, 1, use_bias=False)]), SeparableConv2D(2, 2), Flatten(), Dense(2)])`, compiled and unfitted, every
/// weight `arange(n) + i` where i counts the weights of `model.weights`.
#[test]
fn a_file_that_keras_wrote_is_read() {
    let foreign = Place::new().read(include_bytes!("../fixtures/small.keras")).unwrap();
    assert_eq!((foreign.format, foreign.declared.size), ("Keras archive", Some([8, 8])));
    let mut found: Vec<(&str, &[usize], f32)> =
        foreign.tensors.iter().map(|t| (t.name.as_str(), t.shape.as_slice(), t.values[0])).collect();
    found.sort_by(|a, b| a.2.total_cmp(&b.2));
    let expected: [(&str, &[usize], f32); 12] = [
        ("first/kernel", &[3, 3, 1, 2], 0.0),
        ("first/bias", &[2], 1.0),
        ("batch_normalization/gamma", &[2], 2.0),
        ("batch_normalization/beta", &[2], 3.0),
        ("batch_normalization/moving_mean", &[2], 4.0),
        ("batch_normalization/moving_variance", &[2], 5.0),
        ("conv2d/kernel", &[1, 1, 2, 1], 6.0),
        ("separable_conv2d/depthwise_kernel", &[2, 2, 1, 1], 7.0),
        ("separable_conv2d/pointwise_kernel", &[1, 1, 1, 2], 8.0),
        ("separable_conv2d/bias", &[2], 9.0),
        ("dense/kernel", &[50, 2], 10.0),
        ("dense/bias", &[2], 11.0),
    ];
    assert_eq!(found, expected);
    for i in (0..include_bytes!("../fixtures/small.keras").len()).step_by(37) {
        let mut bytes = include_bytes!("../fixtures/small.keras").to_vec();
        bytes[i] ^= 0x55;
        drop(archive_of(&bytes));
    }
}

fn archive_of(bytes: &[u8]) -> Result<Foreign> {
    super::super::archive(bytes)
}

#[test]
fn shapes_name_the_pictures_where_nothing_else_does() {
    let place = Place::new();
    let form = origin("micro_exp_net", "microexpnet");
    let network = network(&form.model, [1, 48, 48], 8);
    let foreign = place.read(&safetensors(&published(&network, &form))).unwrap();
    let text = matched(&foreign, form, Head::File, None).err().unwrap().to_string();
    assert!(text.contains("grey pictures of 33 to 48") && text.contains("--set data.preprocess.size=48"), "{text}");
    let form = origin("mini_xception", "face_classification");
    let network = super::network(&form.model, [3, 64, 64], 7);
    let foreign = place.read(&keras(&published(&network, &form), Nesting::Weights)).unwrap();
    let text = matched(&foreign, form, Head::File, None).err().unwrap().to_string();
    assert!(text.contains("--set data.preprocess.colour=rgb"), "{text}");
}

#[test]
fn classes_and_sizes_beside_the_weights_are_used() {
    let mut declared = Declared::default();
    let mut note = |name: &str, json: serde_json::Value| declared.note(name, &json).map(|()| declared.clone());
    let found = note("class_to_idx", serde_json::json!({"sad": 1, "happy": 0})).unwrap();
    assert_eq!(found.classes.as_deref(), Some(["happy", "sad"].map(String::from).as_slice()));
    let found = note("id2label", serde_json::json!({"0": "a", "1": "b"})).unwrap();
    assert_eq!(found.classes.as_deref(), Some(["a", "b"].map(String::from).as_slice()));
    let found = note("input_size", serde_json::json!([3, 96, 96])).unwrap();
    assert_eq!((found.size, found.channels), (Some([96, 96]), Some(3)));
    assert!(note("class_to_idx", serde_json::json!({"sad": 1, "happy": 3})).is_err());
    assert!(note("labels", serde_json::json!([0, 1])).unwrap().classes.is_some(), "numbers are no names");

    let both = Declared { classes: Some(vec!["a".into(), "b".into()]), ..Declared::default() };
    let names = |n: &[&str]| n.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
    assert_eq!(both.classes(2, None).unwrap(), Some(names(&["a", "b"]).as_slice()));
    assert!(both.classes(2, Some(&names(&["b", "A"]))).unwrap_err().to_string().contains("another order"));
    assert_eq!(both.classes(2, Some(&names(&["x", "y"]))).unwrap(), None);
    assert!(both.classes(3, None).is_err());

    let scaled = Declared { scaling: Some([1.0 / 127.5, -1.0]), ..Declared::default() };
    let form = origin("emopy_cnn", "emotion_detection_use_case").preprocess;
    assert_eq!(scaled.apply_to(&form).unwrap().scale, Scale::Signed);
    assert!(scaled.check(&form, Head::File).is_err());
    let wide = Declared { size: Some([48, 64]), ..Declared::default() };
    assert!(wide.apply_to(&form).unwrap_err().to_string().contains("64 x 48"));
}
