//! A copy of OpenFace 2.2.0.

use ferrotype_needs::needs;

use super::*;
use crate::predict::Predictor;
use crate::reference::data;

#[needs(data)]
#[test]
fn the_release_is_recognised() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("openface.safetensors");
    let options = ImportOptions { accepted: true, allow_other: false };
    let imported = import(&data("openface/predictors"), &out, options).unwrap();
    let count = |origin| imported.provenance.files.iter().filter(|f| f.origin == origin).count();
    println!("{} bytes", std::fs::metadata(&out).unwrap().len());
    // 28 regressions of both lists, the shape model, the triangles; the machines of both lists; the two lists.
    assert_eq!([Origin::Official, Origin::Copy, Origin::Unknown, Origin::Other].map(count), [30, 27, 2, 0]);
    assert!(imported.provenance.licence_text.unwrap().contains("NONCOMMERCIAL RESEARCH"));
    Predictor::open(&out).unwrap();
}
