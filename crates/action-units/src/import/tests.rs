//! Made-up copies of OpenFace in its layouts.

use std::fs;

use ferrotype_base::random::Stream;

use super::*;
use crate::example;
use crate::predict::Predictor;

const PDM: &str = "In-the-wild_aligned_PDM_68.txt";

fn options() -> ImportOptions {
    ImportOptions { accepted: true, allow_other: true }
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    format!("{:#}", result.unwrap_err())
}

#[test]
fn predictors_are_found_in_every_layout() {
    // Where the predictors lie, where the shape model lies, and the folders a user may name.
    let layouts: [(&str, &str, &[&str]); 3] = [
        (
            "lib/local/FaceAnalyser/AU_predictors",
            "lib/local/LandmarkDetector/model/pdms",
            &["", "lib/local/FaceAnalyser", "lib/local/FaceAnalyser/AU_predictors", "lib/local"],
        ),
        ("AU_predictors", "model/pdms", &["", "AU_predictors"]),
        ("build/bin/AU_predictors", "build/bin/model/pdms", &["", "build/bin", "build"]),
    ];
    for (predictors, shape, named) in layouts {
        let root = tempfile::tempdir().unwrap();
        let predictors = root.path().join(predictors);
        example::write_folder(&predictors, 2).unwrap();
        fs::create_dir_all(root.path().join(shape)).unwrap();
        fs::rename(predictors.join(PDM), root.path().join(shape).join(PDM)).unwrap();
        fs::write(root.path().join("OpenFace-license.txt"), "the terms").unwrap();
        for folder in named {
            let found = find(&root.path().join(folder)).unwrap();
            assert!(found.licence.is_some(), "{folder}");
            found.read().unwrap();
        }
        assert!(message(find(&root.path().join(shape))).contains("no AU_all_best.txt"));
        fs::remove_file(root.path().join(shape).join(PDM)).unwrap();
        assert!(message(find(root.path())).contains(PDM));
    }
}

#[test]
fn what_is_imported_is_what_was_read_and_keeps_the_notice() {
    let root = tempfile::tempdir().unwrap();
    let (copy, out) = (root.path().join("AU_predictors"), root.path().join("units.safetensors"));
    example::write_folder(&copy, 2).unwrap();
    fs::write(copy.join("OpenFace-license.txt"), "the terms").unwrap();
    let imported = import(&copy, &out, options()).unwrap();
    let bytes = fs::read(&out).unwrap();
    import(&copy, &out, options()).unwrap();
    assert!(bytes == fs::read(&out).unwrap(), "the same bytes each time");
    let (files, provenance) = read_file(&out).unwrap();
    assert!(files == find(&copy).unwrap().read().unwrap());
    assert_eq!(provenance, imported.provenance);
    assert_eq!(provenance.licence_text.as_deref(), Some("the terms"));
    assert!(provenance.notice.contains("noncommercial") && provenance.files.len() == 59, "{}", provenance.files.len());
    assert!(provenance.files.iter().any(|f| f.name == PDM && f.origin == Origin::Other));
    let features = {
        let predictor = Predictor::open(&copy).unwrap();
        let hog = vec![0.1; crate::features::HOG];
        crate::features::Features::new(hog, &[1.0; crate::MODES], predictor.extractor().model()).unwrap()
    };
    let of = |path: &Path| Predictor::open(path).unwrap().picture(&features);
    assert_eq!(of(&copy), of(&out));
}

#[test]
fn the_terms_come_first_and_other_files_are_named() {
    let root = tempfile::tempdir().unwrap();
    let (copy, out) = (root.path().join("AU_predictors"), root.path().join("units.safetensors"));
    example::write_folder(&copy, 2).unwrap();
    let refused = message(import(&copy, &out, ImportOptions::default()));
    assert!(
        refused.contains("accepted") && refused.contains("noncommercial") && refused.contains(LICENCE),
        "{refused}"
    );
    let other = message(import(&copy, &out, ImportOptions { accepted: true, allow_other: false }));
    assert!(other.contains("differ from those of OpenFace 2.2.0") && other.contains(PDM), "{other}");
    fs::remove_file(copy.join("svm_combined/AU_4_static.dat")).unwrap();
    fs::remove_file(copy.join("tris_68_full.txt")).unwrap();
    let missing = message(import(&copy, &out, options()));
    assert!(
        missing.contains("2 files are missing") && missing.contains("AU_4_static.dat, tris_68_full.txt"),
        "{missing}"
    );
    assert!(!out.exists());
    assert!(message(find(&copy.join("nowhere"))).contains("is no folder"));
}

/// OpenFace's own list for pictures names a left-over predictor of AU01.
#[test]
fn the_left_over_predictor_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    example::write_folder(root.path(), 2).unwrap();
    let list = root.path().join("AU_all_static.txt");
    let left_over = fs::read_to_string(&list).unwrap().replace("AU_1_static_intensity_comb", "AU_1_static_intensity");
    fs::write(&list, left_over).unwrap();
    let files = find(root.path()).unwrap().read().unwrap();
    assert!(files.picture.iter().any(|(e, _)| e.file == "svr_combined/AU_1_static_intensity_comb.dat"));
    fs::remove_file(root.path().join("svr_combined/AU_1_static_intensity_comb.dat")).unwrap();
    assert!(message(find(root.path()).unwrap().read()).contains("AU_1_static_intensity.dat"));
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let root = tempfile::tempdir().unwrap();
    let (copy, out) = (root.path().join("AU_predictors"), root.path().join("units.safetensors"));
    example::write_folder(&copy, 2).unwrap();
    import(&copy, &out, options()).unwrap();
    let bytes = fs::read(&out).unwrap();
    let mut stream = Stream::new(4);
    for round in 0..60 {
        let mut damaged = bytes.clone();
        if round % 3 == 0 {
            damaged.truncate(stream.below(bytes.len()));
        } else {
            // Half of them within the description.
            let at = stream.below(if round % 2 == 0 { 20_000 } else { bytes.len() });
            damaged[at] ^= 1 << stream.below(8);
        }
        if let Ok((files, _)) = store::parse(&damaged) {
            // A changed letter of a text, or digit of a bias; the weights have a digest.
            assert_eq!(files.video.len(), 35);
        }
    }
    let at = bytes.len() - 1000;
    let mut damaged = bytes;
    damaged[at] ^= 1;
    assert!(message(store::parse(&damaged)).contains("damaged"));
    fs::write(&out, "no such file").unwrap();
    assert!(message(Predictor::open(&out)).contains("units.safetensors is not a usable file"));
}
