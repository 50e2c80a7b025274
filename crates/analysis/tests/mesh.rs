//! Videos through the public interface, with MediaPipe's mesh as a part.

use std::path::{Path, PathBuf};

use ferrotype_analysis::mesh::{FROM_MESH, MeshOptions};
use ferrotype_analysis::options::{AnalysisOptions, Sampling};
use ferrotype_analysis::video::{Progress, Watch, analyse};
use ferrotype_analysis::{PartFacts, Parts};
use ferrotype_needs::needs;
use serde_json::Value;

fn data(name: &str) -> PathBuf {
    Path::new(&std::env::var("FERROTYPE_DATA").unwrap()).join(name)
}

struct Nobody;

impl Watch for Nobody {
    fn progress(&mut self, _: &Progress) {}
    fn note(&mut self, _: &str) {}
    fn is_asked_to_stop(&self) -> bool {
        false
    }
}

fn options(every: usize) -> AnalysisOptions {
    let mut options = AnalysisOptions { sampling: Sampling::Every(every), ..AnalysisOptions::default() };
    options.parts.detector = Some(data("onnx/yunet.onnx"));
    options.parts.mesh = Some(MeshOptions::of_folder(&data("mediapipe")));
    options
}

/// The folder with what is written of a video.
fn written(options: &AnalysisOptions, video: &str) -> (tempfile::TempDir, Value, Vec<PartFacts>) {
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts::open(options, Vec::new()).unwrap();
    analyse(&parts, options, &data(video), folder.path(), &mut Nobody).unwrap();
    let results = std::fs::read(folder.path().join("results.json")).unwrap();
    (folder, serde_json::from_slice(&results).unwrap(), parts.facts)
}

/// Names of columns and cells of a table.
fn table(folder: &Path, name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').map(|c| c.trim().to_owned()).collect::<Vec<_>>());
    (rows.next().unwrap(), rows.collect())
}

#[needs(data, ffmpeg)]
#[test]
fn the_mesh_gives_blendshapes_landmarks_and_action_units() {
    let mut options = options(24);
    options.parts.landmarks = Some(FROM_MESH.into());
    options.parts.action_units = Some(data("openface/predictors"));
    options.output.mesh_points = true;
    let (folder, results, facts) = written(&options, "videos/one_face_emotions.mp4");
    let roles: Vec<&str> = facts.iter().map(|f| f.role.as_str()).collect();
    assert_eq!(roles, ["detector", "mesh detector", "mesh", "blendshapes", "action_units"]);
    let frames = results["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 20);
    let face = |i: usize| &frames[i]["faces"][0];
    assert_eq!((face(3)["points"].as_array().unwrap().len(), face(3)["mesh"].as_array().unwrap().len()), (68, 478));
    assert_eq!(face(3)["heads"]["blendshapes"].as_object().unwrap().len(), 52);
    // The video ends with a long smile, and begins without one.
    let smile = |i: usize| face(i)["heads"]["blendshapes"]["mouthSmileLeft"].as_f64().unwrap();
    assert!(smile(19) > 0.7 && smile(8) < 0.3, "{} {}", smile(19), smile(8));
    let unit = |i: usize| face(i)["action_units"]["intensity"]["AU12"].as_f64().unwrap();
    assert!(unit(19) > 2.0 && unit(8) < 1.0, "{} {}", unit(19), unit(8));
    let (columns, rows) = table(folder.path(), "frames.csv");
    let at = |name: &str| columns.iter().position(|c| c == name).unwrap();
    assert!(rows.iter().all(|row| row.len() == columns.len()));
    assert_eq!(rows[19][at("blendshapes.mouthSmileLeft")], format!("{:.6}", smile(19)));
    assert!(rows[19][at("x_30")].parse::<f64>().unwrap() > 200.0 && columns.iter().any(|c| c == "AU12_r"));
    let summary = std::fs::read_to_string(folder.path().join("summary.csv")).unwrap();
    assert!(summary.contains("0,blendshapes.jawOpen,"), "{summary}");
    let report = std::fs::read_to_string(folder.path().join("report.txt")).unwrap();
    assert!(report.contains("blendshapes.eyeSquint") && !report.contains("blendshapes._neutral"), "{report}");
}

#[needs(data, ffmpeg)]
#[test]
fn what_the_mesh_lacks_is_absent() {
    let mut options = options(60);
    options.parts.mesh = Some(MeshOptions {
        folder: None,
        detector: Some(data("mediapipe/mp_face_detector.onnx")),
        landmarks: Some(data("mediapipe/mp_face_landmarks_detector.onnx")),
        blendshapes: None,
    });
    let (folder, results, _) = written(&options, "videos/several_faces.mp4");
    let faces = || results["frames"].as_array().unwrap().iter().flat_map(|f| f["faces"].as_array().unwrap());
    assert!(faces().count() > 3);
    // YuNet's five points stay, the mesh is not asked for, and there is no head.
    assert!(faces().all(|face| face["points"].as_array().unwrap().len() == 5));
    assert!(faces().all(|face| face.get("mesh").is_none() && face.get("heads").is_none()));
    assert!(!table(folder.path(), "frames.csv").0.iter().any(|c| c.starts_with("blendshapes")));
}

#[needs(data, ffmpeg)]
#[test]
fn faces_without_a_mesh_have_empty_cells() {
    let mut options = options(10);
    options.parts.landmarks = Some(FROM_MESH.into());
    options.faces.min_size = 8.0;
    let (folder, results, _) = written(&options, "videos/several_faces.mp4");
    let faces: Vec<&Value> =
        results["frames"].as_array().unwrap().iter().flat_map(|f| f["faces"].as_array().unwrap()).collect();
    let (columns, rows) = table(folder.path(), "frames.csv");
    let smile = columns.iter().position(|c| c == "blendshapes.mouthSmileLeft").unwrap();
    assert!(rows.iter().all(|row| row.len() == columns.len()));
    let told = faces.iter().filter(|face| face["heads"].get("blendshapes").is_some()).count();
    println!("{told} of {} faces have a mesh", faces.len());
    assert_eq!(rows.iter().filter(|row| !row[smile].is_empty()).count(), told);
    let success = columns.iter().position(|c| c == "success").unwrap();
    assert_eq!(rows.iter().filter(|row| row[success] == "1").count(), told);
    for face in faces {
        // Where there is no mesh, the detector's five points stay.
        let points = face["points"].as_array().unwrap().len();
        assert_eq!(points, if face["heads"].get("blendshapes").is_some() { 68 } else { 5 });
    }
    assert!(told > 0);
}
