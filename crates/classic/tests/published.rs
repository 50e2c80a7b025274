//! Known answers on published data. They read the folder that FERROTYPE_DATA names (`sase_fe/features.zip`,
//! `sase_fe/svmmodels`) and, for the smiles, the folder that FERROTYPE_SMILES names (`smiles_csv.tar.xz` unpacked).

use std::path::{Path, PathBuf};

use ferrotype_base::{npy, zip};
use ferrotype_classic::bilinear::signed_square_root;
use ferrotype_classic::logistic::Logistic;
use ferrotype_classic::matrix::Matrix;
use ferrotype_classic::model;
use ferrotype_classic::standardise::Standardiser;
use ferrotype_classic::svm::libsvm::LibsvmModel;
use ferrotype_classic::svm::{Plane, Svm, SvmOptions};
use ferrotype_needs::needs;

const EMOTIONS: [&str; 6] = ["anger", "contentment", "disgust", "happiness", "sadness", "surprise"];

fn folder(variable: &str) -> PathBuf {
    std::env::var_os(variable).map(PathBuf::from).unwrap_or_else(|| panic!("set {variable}"))
}

/// Descriptors after signed square root, with the label where there is one.
struct Clip {
    emotion: String,
    part: String,
    genuine: Option<bool>,
    descriptor: Vec<f64>,
}

/// `features/<emotion>/<part>/<id>.<label>.npy.tf.npy`.
fn clips(data: &Path) -> Vec<Clip> {
    let bytes = std::fs::read(data.join("features.zip")).unwrap();
    let members = zip::members(&bytes).unwrap();
    let read = |member: &zip::Member| {
        let parts: Vec<&str> = member.name.split('/').collect();
        let array = npy::read(&member.content(1 << 20).unwrap()).unwrap();
        assert_eq!(array.shape, [1, 512], "{}", member.name);
        let mut descriptor = array.values;
        signed_square_root(&mut descriptor);
        let genuine = match parts[3].split('.').nth(1) {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        };
        Clip { emotion: parts[1].into(), part: parts[2].into(), genuine, descriptor }
    };
    members.iter().filter(|member| member.name.ends_with(".npy")).map(read).collect()
}

fn of<'a>(clips: &'a [Clip], emotion: &'a str, part: &'a str) -> impl Iterator<Item = &'a Clip> {
    clips.iter().filter(move |clip| clip.emotion == emotion && clip.part == part)
}

fn right(plane: &Plane, clips: &[Clip], emotion: &str, part: &str) -> usize {
    let is_right = |clip: &&Clip| Some(plane.decision(&clip.descriptor).unwrap() > 0.0) == clip.genuine;
    of(clips, emotion, part).filter(is_right).count()
}

#[needs(data)]
#[test]
fn the_authors_machines_decide_as_published() {
    let data = folder("FERROTYPE_DATA").join("sase_fe");
    let clips = clips(&data);
    assert_eq!(clips.len(), 600);
    let (mut train, mut val, mut real) = (0, 0, 0);
    for emotion in EMOTIONS {
        let path = data.join(format!("svmmodels/{emotion}.svm"));
        let model = LibsvmModel::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let plane = model.plane(1, 512).unwrap();
        train += right(&plane, &clips, emotion, "train");
        val += right(&plane, &clips, emotion, "val");
        real += of(&clips, emotion, "test").filter(|clip| plane.decision(&clip.descriptor).unwrap() > 0.0).count();
        assert_eq!(LibsvmModel::parse(&model.text()).unwrap(), model);
    }
    assert_eq!((train, val, real), (454, 41, 37));
}

#[needs(data)]
#[test]
fn machines_of_our_own_do_as_well_as_the_authors() {
    let data = folder("FERROTYPE_DATA").join("sase_fe");
    let clips = clips(&data);
    let (mut train, mut val, mut real) = (0, 0, 0);
    for emotion in EMOTIONS {
        let seen: Vec<&Clip> = of(&clips, emotion, "train").collect();
        let rows = Matrix::from_rows(&seen.iter().map(|clip| &clip.descriptor[..]).collect::<Vec<_>>()).unwrap();
        let labels: Vec<bool> = seen.iter().map(|clip| clip.genuine.unwrap()).collect();
        let svm = Svm::fit(&rows, &labels, &SvmOptions::default()).unwrap();
        train += right(&svm.plane, &clips, emotion, "train");
        val += right(&svm.plane, &clips, emotion, "val");
        real += of(&clips, emotion, "test").filter(|clip| svm.plane.decision(&clip.descriptor).unwrap() > 0.0).count();
        let text = model::to_json(&svm.plane).unwrap();
        assert_eq!(model::from_json::<Plane>(&text).unwrap(), svm.plane);
    }
    println!(
        "trained here: {val} of 60 validation clips, {train} of 480 training clips, {real} of 60 test clips called real"
    );
    assert!(val.abs_diff(41) <= 2, "{val}");
    assert!(train.abs_diff(454) <= 10, "{train}");
    assert!(real.abs_diff(37) <= 2, "{real}");
}

#[needs(smiles)]
#[test]
fn means_of_action_units_tell_35_of_56_smiles() {
    let data = folder("FERROTYPE_SMILES");
    let table = |part: &str| {
        let path = data.join(format!("{part}/{part}_dataset_file.csv"));
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let is_unit: Vec<bool> = names.iter().map(|name| name.starts_with("mean_AU")).collect();
        assert_eq!(is_unit.iter().filter(|&&unit| unit).count(), 20);
        let label = names.iter().position(|name| name == "truthfulness").unwrap();
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for record in reader.records() {
            let record = record.unwrap();
            let units = record.iter().zip(&is_unit).filter(|(_, unit)| **unit);
            let row: Option<Vec<f64>> = units.map(|(value, _)| value.parse().ok()).collect();
            if let Some(row) = row {
                rows.push(row);
                labels.push(record[label].parse::<f64>().unwrap() == 1.0);
            }
        }
        (Matrix::from_rows(&rows).unwrap(), labels)
    };
    let ((train, train_labels), (test, test_labels)) = (table("training"), table("validation"));
    assert_eq!((train.rows(), test.rows()), (184, 56));
    let standardiser = Standardiser::fit(&train);
    let model = Logistic::fit(&standardiser.apply_all(&train).unwrap(), &train_labels, 1.0).unwrap();
    let is_right = |(row, label): &(&[f64], &bool)| {
        (model.probability(&standardiser.apply(row).unwrap()).unwrap() > 0.5) == **label
    };
    let right = test.iter().zip(&test_labels).filter(is_right).count();
    println!("{right} of 56 smiles");
    assert!(right.abs_diff(35) <= 2, "{right}");
}
