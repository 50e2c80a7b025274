//! OpenFace's own files.

use std::fs;

use ferrotype_needs::needs;

use super::*;
use crate::reference::data;

/// Every file of the folder is read, and what is written of it is the file again, byte for byte.
#[needs(data)]
#[test]
fn openfaces_predictors_are_read_and_written_back() {
    let mut counts = [0, 0];
    let mut means: Vec<Vec<f64>> = Vec::new();
    for (at, folder) in ["svr_combined", "svm_combined"].iter().enumerate() {
        for file in fs::read_dir(data("openface/predictors").join(folder)).unwrap() {
            let path = file.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let (written, linear) = match at {
                0 => read(&path, Svr::parse).map(|svr| (svr.to_bytes(), svr.linear)).unwrap(),
                _ => read(&path, Svm::parse).map(|svm| (svm.to_bytes(), svm.linear)).unwrap(),
            };
            assert!(written == bytes, "{}", path.display());
            assert_eq!(linear.weights.len(), 4702);
            counts[at] += 1;
            if !path.ends_with("AU_1_static_intensity.dat") {
                means.push(linear.means);
            }
        }
    }
    // 29 regressions of OpenFace 2.2.0, one of them left over; the others subtract the same means.
    assert_eq!(counts, [29, 36]);
    assert!(means.iter().all(|m| *m == means[0]));
}

#[needs(data)]
#[test]
fn openfaces_texts_are_read() {
    let folder = data("openface/predictors");
    let shape = read(&folder.join("In-the-wild_aligned_PDM_68.txt"), parse_shape_model).unwrap();
    assert_eq!(parse_shape_model(format_shape_model(&shape).as_bytes()).unwrap(), shape);
    assert_eq!((shape.mean[0], shape.mean.len(), shape.eigenvalues.len()), (-73.393523, 204, 34));
    let triangles = read(&folder.join("tris_68_full.txt"), parse_triangles).unwrap();
    assert_eq!((triangles.len(), triangles[0], triangles[110]), (111, [58, 67, 59], [64, 65, 63]));
    for name in ["AU_all_best.txt", "AU_all_static.txt"] {
        let list = read(&folder.join(name), parse_list).unwrap();
        assert_eq!(list.iter().filter(|e| e.is_intensity).count(), 17, "{name}");
        assert_eq!(list.len(), 35, "{name}");
        assert_eq!(format_list(&list).trim(), fs::read_to_string(folder.join(name)).unwrap().trim());
    }
}
