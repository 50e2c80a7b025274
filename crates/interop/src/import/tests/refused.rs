//! Files of other networks, and files that are broken or hostile.

use super::*;

#[test]
fn files_of_other_networks_are_refused_with_what_differs() {
    let place = Place::new();
    let form = || origin("tiny_xception", "face_classification");
    let mini = origin("mini_xception", "face_classification");
    let network = network(&mini.model, [1, 64, 64], 7);
    let foreign = place.read(&keras(&published(&network, &mini), Nesting::Weights)).unwrap();
    let text = matched(&foreign, form(), Head::File, None).err().unwrap().to_string();
    assert!(text.contains("misshapen: conv2d_17/kernel is [3, 3, 1, 8] instead of [3, 3, 1, 5]"), "{text}");
    assert!(text.contains("--set model.tiny_xception"), "{text}");
    let text = matched(&foreign, origin("emopy_cnn", "emotion_detection_use_case"), Head::File, None)
        .err()
        .unwrap()
        .to_string();
    for part in ["missing: block1.conv1.bias (conv2d#1/bias)", "in the file, but not in the network: "] {
        assert!(text.contains(part), "{text}");
    }
    // One tensor too many is an error as well.
    let mut tensors = published(&network, &mini);
    tensors.insert("dense_1/kernel".into(), (vec![2, 2], vec![0.0; 4]));
    let foreign = place.read(&keras(&tensors, Nesting::Weights)).unwrap();
    let again = || origin("mini_xception", "face_classification");
    let text = matched(&foreign, again(), Head::File, None).err().unwrap().to_string();
    assert!(text.contains("not in the network: dense_1/kernel"), "{text}");

    // Nine outputs, and the form has names for seven.
    let nine = super::network(&mini.model, [1, 64, 64], 9);
    let foreign = place.read(&keras(&published(&nine, &mini), Nesting::Weights)).unwrap();
    let text = matched(&foreign, again(), Head::File, None).err().unwrap().to_string();
    assert!(text.contains("9 outputs") && text.contains("--classes"), "{text}");
    let eight: Vec<String> = (0..8).map(|i| i.to_string()).collect();
    let text = matched(&foreign, again(), Head::File, Some(&eight)).err().unwrap().to_string();
    assert!(text.contains("--classes names 8 classes, but the file's classifier has 9 outputs"), "{text}");
}

#[test]
fn hostile_and_broken_files_are_refused() {
    let place = Place::new();
    let refused = |bytes: &[u8], parts: &[&str]| {
        let text = format!("{:#}", place.read(bytes).err().unwrap());
        assert!(parts.iter().all(|p| text.contains(p)), "{text}\nlacks one of {parts:?}");
    };
    refused(include_bytes!("../fixtures/hostile.pt"), &["posix.system", "refused", "state_dict()"]);
    refused(include_bytes!("../fixtures/before_1_6.pt"), &["before version 1.6", "save it again"]);
    refused(b"not weights", &["is no file of weights"]);
    refused(b"", &["is no file of weights"]);

    // A header that claims a petabyte, and one that claims to be a petabyte.
    let header = |n: u64, text: &str| [&n.to_le_bytes()[..], text.as_bytes()].concat();
    let claim = r#"{"w":{"dtype":"F32","shape":[250000000000000],"data_offsets":[0,1000000000000000]}}"#;
    refused(&header(claim.len() as u64, claim), &["damaged"]);
    refused(&header(1 << 50, "{"), &["damaged"]);
    let overflow = r#"{"w":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}"#;
    refused(&[header(overflow.len() as u64, overflow), vec![0; 4]].concat(), &["damaged"]);

    // A pickle that claims a large tensor of a small storage.
    let good = include_bytes!("../fixtures/checkpoint.pt").to_vec();
    let at = good.windows(7).position(|w| w == b"K\x00K\x02K\x02\x86").unwrap();
    let mut large = good.clone();
    large[at + 3] = 200;
    refused(&large, &["tensor module.plain", "its storage holds 4"]);
    // Wherever it is cut, or whichever byte is changed, there is an answer.
    for length in 0..good.len() {
        assert!(torch::read(&good[..length]).is_err(), "{length}");
    }
    for i in 0..good.len() {
        let mut bytes = good.clone();
        bytes[i] ^= 0x55;
        drop(torch::read(&bytes));
    }
}

#[test]
fn keras_files_that_are_cut_or_empty_are_refused() {
    let place = Place::new();
    let form = origin("tiny_xception", "face_classification");
    let network = network(&form.model, [1, 64, 64], 7);
    let good = keras(&published(&network, &form), Nesting::Model);
    for part in [0.02, 0.3, 0.6, 0.9, 0.999] {
        let length = (good.len() as f64 * part) as usize;
        let text = format!("{:#}", place.read(&good[..length]).err().unwrap());
        assert!(text.contains("cut off") || text.contains("damaged"), "{text}");
    }
    let mut stream = Stream::new(1);
    for _ in 0..200 {
        let mut bytes = good.clone();
        let i = stream.below(bytes.len());
        bytes[i] = stream.below(256) as u8;
        drop(place.read(&bytes));
    }
    let mut b = FileBuilder::new();
    b.create_dataset("images").with_f32_data(&[1.0]);
    let mut bytes = Vec::new();
    b.finish_to(&mut bytes).unwrap();
    let text = format!("{:#}", place.read(&bytes).err().unwrap());
    assert!(text.contains("none of Keras'"), "{text}");
}
