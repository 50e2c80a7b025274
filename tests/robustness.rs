//! Attacks on a run, explanations of its predictions, and what is said of impossible ones.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Place, entries, files, json};
use serde_json::Value;

/// A place with a run of some worth in `run`, and a face crop.
fn trained() -> (Place, PathBuf) {
    let place = Place::new();
    place.train(
        "runs",
        "--set train.epochs=6 --set data.source.synthetic.count=400 --set model.tiny_xception.norm_momentum=0.9 --set data.source.synthetic.intensity=1 --set data.source.synthetic.nuisance=0",
    );
    fs::rename(place.only("runs"), place.at("run")).unwrap();
    // Stripes are a picture, if no face: the commands only warn.
    let mut png = Vec::new();
    let pixels: Vec<u8> = (0..30 * 30).map(|i| if (i / 3) % 2 == 0 { 40 } else { 210 }).collect();
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::write_image(encoder, &pixels, 30, 30, image::ExtendedColorType::L8).unwrap();
    place.write("crop.png", png);
    let run = place.at("run");
    (place, run)
}

fn points(place: &Place, folder: &str) -> Vec<Value> {
    json(&place.at(folder).join("attack.json"))["points"].as_array().unwrap().clone()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

#[test]
fn attacks_score_write_and_report() {
    let (place, run) = trained();
    let before = json(&run.join("metrics.json"));
    let text = place.ok("attack --run run --method fgsm --eps 8,0,2 --examples 5");
    assert!(text.contains("eps 2") && text.contains("report"), "{text}");
    let found = points(&place, "run/attack-fgsm");
    assert_eq!(found.iter().map(|p| number(p, "eps")).collect::<Vec<_>>(), [0.0, 2.0, 8.0]);
    // Eps 0 is the clean score, to the last digit.
    let clean = &before["test"]["metrics"];
    assert_eq!(found[0]["accuracy"], clean["accuracy"]["value"]);
    assert_eq!(found[0]["interval"], clean["accuracy"]["interval"]);
    assert_eq!(found[0]["uar"], clean["uar"]["value"]);
    assert_eq!((number(&found[0], "mean_linf"), number(&found[0], "mean_l2")), (0.0, 0.0));
    assert!((1.99..=2.001).contains(&number(&found[1], "mean_linf")));
    let written =
        ["attack.csv", "attack.json", "examples.npz", "examples.png", "robust_accuracy.png", "robust_accuracy.svg"];
    assert_eq!(entries(&run.join("attack-fgsm")), written);
    assert_eq!(fs::read_to_string(run.join("attack-fgsm/attack.csv")).unwrap().lines().count(), 4);
    // Five pictures of 24 x 24, clean and at three strengths, and some labels.
    let arrays = fs::metadata(run.join("attack-fgsm/examples.npz")).unwrap().len();
    assert!((46_080..52_000).contains(&arrays), "{arrays}");

    // More rows, for less noise: PGD is no weaker than FGSM, and grows with eps; the same seed gives the same.
    let pgd = "attack --run run --set-name train --method pgd --steps 5 --eps 0,2,8,32";
    place.ok(&format!("{pgd} --out one"));
    place.ok(&format!("{pgd} --out two"));
    place.ok("attack --run run --set-name train --method fgsm --eps 0,2,8,32 --out three");
    assert_eq!(fs::read(place.at("one/attack.json")).unwrap(), fs::read(place.at("two/attack.json")).unwrap());
    assert_eq!(fs::read(place.at("one/examples.npz")).unwrap(), fs::read(place.at("two/examples.npz")).unwrap());
    let accuracy = |folder: &str| points(&place, folder).iter().map(|p| number(p, "accuracy")).collect::<Vec<f64>>();
    let (strong, weak) = (accuracy("one"), accuracy("three"));
    assert!(strong[0] > 0.25 && strong[3] < 0.6 * strong[0], "{strong:?}");
    assert!(strong.windows(2).all(|w| w[1] <= w[0] + 0.01), "{strong:?}");
    assert!(strong.iter().zip(&weak).all(|(s, w)| *s <= w + 0.01), "{strong:?} {weak:?}");

    // The worst of several restarts is no better for the network than one.
    place.ok(&format!("{pgd} --restarts 3 --out more"));
    assert!(accuracy("more").iter().zip(&strong).all(|(m, s)| m <= s));

    let class = before["test"]["per_class"][0]["class"].as_str().unwrap().to_owned();
    let target = format!("attack --run run --method pgd --norm l2 --eps 0,600 --targeted {class} --limit 15");
    place.ok(&target);
    let found = points(&place, "run/attack-pgd-l2-to-class0");
    assert!(number(&found[0], "n") <= 15.0 && number(&found[1], "mean_l2") > 300.0, "{found:?}");
    assert!(number(&found[1], "reached") > number(&found[0], "reached"), "{found:?}");

    let report = fs::read_to_string(run.join("report.html")).unwrap();
    for part in ["Robustness", "FGSM, l-infinity", "PGD, l2", "What the network looks at", "Grad-CAM"] {
        assert!(report.contains(part), "{part}");
    }
    // The maps are kept with the run: the report does not need its data for them.
    let maps = files(&run.join("saliency"));
    assert!(
        maps.contains(&"saliency.json".to_owned()) && maps.iter().any(|f| f.ends_with("grad_cam_predicted.png")),
        "{maps:?}"
    );
    fs::rename(place.at("small.h5"), place.at("moved.h5")).unwrap();
    place.ok("report --run run");
    assert!(fs::read_to_string(run.join("report.html")).unwrap().contains("Grad-CAM"));
    fs::rename(place.at("moved.h5"), place.at("small.h5")).unwrap();
    // A run of an earlier version gets them.
    let kept = fs::read(run.join("saliency").join(&maps[0])).unwrap();
    fs::remove_dir_all(run.join("saliency")).unwrap();
    place.ok("report --run run");
    assert_eq!(fs::read(run.join("saliency").join(&maps[0])).unwrap(), kept);
    // Published: the figures.
    place.ok("report --run run --publish public");
    let published = files(&place.at("public/small"));
    assert!(published.contains(&"attack-fgsm/attack.csv".to_owned()), "{published:?}");
    assert!(!published.iter().any(|f| f.ends_with(".npz") || f.ends_with(".png")), "{published:?}");
}

/// `fer2013.csv` with stripes instead of people: for this program they are photographs.
fn photographs() -> String {
    let mut text = String::from("emotion,pixels,Usage\n");
    for row in 0..84 {
        let emotion = row % 7;
        let pixels: Vec<String> =
            (0..48 * 48).map(|p| (40 + 150 * ((p / (2 + emotion)) % 2) + (p * row) % 17).to_string()).collect();
        let usage = ["Training", "Training", "PublicTest", "PrivateTest"][row / 7 % 4];
        text += &format!("{emotion},{},{usage}\n", pixels.join(" "));
    }
    text
}

#[test]
fn published_reports_show_no_photograph() {
    let place = Place::new();
    place.write("faces.csv", photographs());
    let source = "data.source={fer2013: {csv: faces.csv}}";
    let words = ["train", "--config", "small.yaml", "-q", "--set", source, "--set", "train.epochs=1"];
    assert_eq!(place.run_words(words).code, Some(0));
    let run = place.only("runs");
    place.ok(&format!("attack --run {} --method fgsm --eps 4", run.display()));
    let own = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(own.contains("class=\"sheet\"") && own.contains("alt=\"seen, row"));
    place.ok(&format!("report --run {} --publish public", run.display()));
    let public = common::files(&place.at("public"));
    assert!(public.iter().any(|f| f.contains("attack.json")) && public.iter().any(|f| f.contains("small/README.md")));
    for file in public.iter().filter(|f| !f.is_empty()) {
        let ending = file.rsplit('.').next().unwrap();
        assert!(["csv", "json", "jsonl", "md", "yaml"].contains(&ending), "{file}");
    }
}

#[test]
fn explanations_are_written_for_each_face() {
    let (place, run) = trained();
    let class = json(&run.join("metrics.json"))["test"]["per_class"][1]["class"].as_str().unwrap().to_owned();
    for (method, sides) in
        [("grad_cam", "(24, 24,)"), ("guided_backprop", "(24, 24,)"), ("guided_grad_cam", "(24, 24,)")]
    {
        let text = place.ok(&format!("explain --run run crop.png --class {class} --method {method} --out maps"));
        assert!(text.contains("explained") && text.contains(&class), "{text}");
        let base = place.at("maps").join(format!("crop-{class}-{method}"));
        let npy = fs::read(base.with_extension("npy")).unwrap();
        assert!(String::from_utf8_lossy(&npy[..128]).contains(sides) && npy.len() == 128 + 4 * 24 * 24);
        assert!(fs::read(base.with_extension("png")).unwrap().starts_with(b"\x89PNG"));
    }
    // Without a class, the predicted one; another layer gives another map.
    place.ok("explain --run run crop.png --out a");
    place.ok("explain --run run crop.png --layer module1.add --out b");
    let map = |folder: &str| {
        let name = entries(&place.at(folder)).into_iter().find(|n| n.ends_with(".npy")).unwrap();
        fs::read(place.at(folder).join(name)).unwrap()
    };
    assert_ne!(map("a"), map("b"));
}

#[test]
fn impossible_attacks_and_explanations_are_refused() {
    let (place, run) = trained();
    let attack = [
        ("--method pgd --eps 1,two", "`two` is not a number"),
        ("--method pgd --eps 1,,2", "is not a number"),
        ("--method pgd --eps -1", "at least 0 grey levels"),
        ("--method pgd --eps nan", "at least 0 grey levels"),
        ("--method fgsm --eps 256", "more than the 255"),
        ("--method fgsm --steps 3", "--steps is an option of pgd"),
        ("--method pgd --steps 0", "--steps is 0"),
        ("--method pgd --step-size -2", "--step-size is -2"),
        ("--method pgd --restarts 2 --random-start false", "would do the same again"),
        ("--method pgd --targeted joy", "there is no class `joy`: the run's classes are"),
        ("--method pgd --limit 0", "--limit is 0"),
        ("--method pgd --labels crowd", "unknown label mode"),
        ("--method pgd --data none.h5", "none.h5"),
    ];
    for (words, part) in attack {
        let message = place.refused(&format!("attack --run run {words}"));
        assert!(message.contains(part), "{words}\n{message}");
    }
    assert!(!entries(&run).iter().any(|n| n.starts_with("attack")), "{:?}", entries(&run));

    place.write("text.png", "no picture");
    let explain = [
        ("crop.png --class joy", "there is no class `joy`"),
        ("crop.png --layer nowhere", "no layer `nowhere`; its layers with feature maps are"),
        ("crop.png --layer head.conv --method guided_backprop", "--layer is for grad_cam"),
        ("text.png", "not a picture"),
        ("gone.png", "no file or folder gone.png"),
    ];
    for (words, part) in explain {
        let message = place.refused(&format!("explain --run run {words} --out maps"));
        assert!(message.contains(part), "{words}\n{message}");
    }
    fs::remove_file(run.join("checkpoints/best.safetensors")).unwrap();
    for words in ["attack --run run --method fgsm", "explain --run run crop.png --out maps"] {
        assert!(place.refused(words).contains("has no selected weights yet"), "{words}");
    }
    let training =
        place.refused("train --config small.yaml --set data.preprocess.scale=ferplus --set train.adversarial.eps=4");
    assert!(training.contains("train.adversarial") && training.contains("scale ferplus"), "{training}");
    for objective in ["{center_loss: {}}", "{distillation: {teachers: [run]}}"] {
        let words = ["train", "--config", "small.yaml", "--set", "train.adversarial.eps=4", "--set"];
        let set = format!("objective={objective}");
        let message = place.refused_words(words.into_iter().chain([set.as_str()]));
        assert!(message.contains("train.adversarial: is impossible beside objective."), "{message}");
    }
    let message =
        place.refused("train --config small.yaml --set train.adversarial.eps=0 --set train.adversarial.ratio=2");
    assert!(message.contains("train.adversarial.eps") && message.contains("train.adversarial.ratio"), "{message}");
}
