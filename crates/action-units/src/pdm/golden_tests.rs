//! OpenFace's parameters and landmarks of 472 frames of a video.

use ferrotype_needs::needs;

use crate::reference::{Table, farthest, shape_model};

#[needs(data)]
#[test]
fn landmarks_of_openfaces_parameters_are_its_landmarks() {
    let (model, table) = (shape_model(), Table::read("openface/reference/one_face_emotions.csv.gz"));
    assert_eq!(table.rows.len(), 472);
    let far = (0..472).map(|row| farthest(&model.landmarks(&table.parameters(row)), &table.landmarks(row)));
    let farthest = far.fold(0.0, f64::max);
    println!("472 frames: at most {farthest:.5} px");
    // The table has six digits: half a thousandth of a pixel each in the landmark and in the translation, and the rest.
    assert!(farthest <= 0.00135, "{farthest}");
}

/// OpenFace's own landmarks, fitted anew as those of another detector would be: they are reached again.
#[needs(data)]
#[test]
fn openfaces_landmarks_are_fitted() {
    let (model, table) = (shape_model(), Table::read("openface/reference/one_face_emotions.csv.gz"));
    let mut worst: f64 = 0.0;
    let mut steps = 0;
    for row in (0..472).step_by(8) {
        let fit = model.fit(&table.landmarks(row), None).unwrap();
        let theirs = table.parameters(row);
        assert!(fit.parameters.rotation.iter().zip(theirs.rotation).all(|(a, b)| (a - b).abs() < 0.03), "row {row}");
        worst = worst.max(fit.rms);
        steps += fit.steps;
    }
    println!("59 frames fitted: rms at most {worst:.3} px, {:.1} steps on average", f64::from(steps as u32) / 59.0);
    // OpenFace weighs its landmarks by how sure it is of each, the fit does not: not the same parameters, but near.
    assert!(worst < 0.3, "{worst}");
}
