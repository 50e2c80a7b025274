use burn::tensor::Device;

use super::*;
use crate::progress::Style;
use ferrotype_data::options::{Colour, DataOptions, Resize, Scale};
use ferrotype_model::layers::Linear;
use ferrotype_model::{GraphBuilder, ModelOptions};

const CLASSES: [&str; 3] = ["a", "b", "c"];

fn teacher(seed: u64, classes: [&str; 3], size: usize) -> Teacher {
    let graph = ModelOptions::MicroExpNet(Default::default()).build([1, size, size], 3).unwrap();
    Teacher {
        name: format!("teacher {seed}"),
        network: Network::new(Arc::new(graph), seed, &Device::flex()),
        classes: classes.map(String::from).to_vec(),
        preprocess: Preprocess::new(size, Resize::Bilinear, Colour::Grey, Scale::Unit),
        pictures: 1,
    }
}

fn names() -> Vec<String> {
    CLASSES.map(String::from).to_vec()
}

fn options(average: Average) -> DistillationOptions {
    DistillationOptions { temperature: 4.0, average, ..Default::default() }
}

fn batch(size: usize) -> Batch {
    let images = (0..2 * size * size).map(|i| (i % 7) as f32 / 7.0).collect();
    Batch { images, rows: vec![0, 1], shape: [1, size, size], ..Batch::default() }
}

fn logits(teacher: &Teacher) -> Vec<f32> {
    let x = images(&batch(teacher.preprocess.size), teacher.network.device());
    ops::host(teacher.network.forward(x).unwrap().reshape([6])).unwrap()
}

#[test]
fn classes_are_matched_by_name() {
    let straight = Ensemble::new(vec![teacher(1, CLASSES, 40)], &options(Average::Logits), &names()).unwrap();
    let turned = Ensemble::new(vec![teacher(1, ["c", "a", "b"], 40)], &options(Average::Logits), &names()).unwrap();
    let (p, q) = (straight.answers(&[&batch(40)]).unwrap(), turned.answers(&[&batch(40)]).unwrap());
    assert_eq!([q[0], q[1], q[2]], [p[1], p[2], p[0]]);
    assert!((p[..3].iter().sum::<f32>() - 1.0).abs() < 1e-6);
    for other in [["a", "b", "x"], ["a", "b", "b"]] {
        let refused = Ensemble::new(vec![teacher(1, other, 40)], &options(Average::Logits), &names());
        let refused = format!("{:#}", refused.err().unwrap());
        assert!(refused.contains("teacher 1"), "{refused}");
    }
    assert!(Ensemble::new(Vec::new(), &options(Average::Logits), &names()).is_err());
}

/// The two averages by their formulas, over teachers of two sizes.
#[test]
fn several_teachers_are_averaged() {
    let both = || vec![teacher(1, CLASSES, 40), teacher(2, CLASSES, 44)];
    let (z1, z2) = (logits(&both()[0]), logits(&both()[1]));
    let softmax = |z: Vec<f64>| {
        let sum: f64 = z.iter().map(|v| (v / 4.0).exp()).sum();
        z.iter().map(|v| (v / 4.0).exp() / sum).collect::<Vec<f64>>()
    };
    for average in [Average::Logits, Average::Probabilities] {
        let ensemble = Ensemble::new(both(), &options(average), &names()).unwrap();
        let answers = ensemble.answers(&[&batch(40), &batch(44)]).unwrap();
        for row in 0..2 {
            let own = |z: &[f32]| z[3 * row..3 * row + 3].iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
            let mean = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<f64>>();
            let wanted = match average {
                Average::Logits => softmax(mean(own(&z1), own(&z2))),
                Average::Probabilities => mean(softmax(own(&z1)), softmax(own(&z2))),
            };
            for (a, w) in answers[3 * row..].iter().zip(wanted) {
                assert!((f64::from(*a) - w).abs() < 1e-6, "{average:?}: {answers:?}");
            }
        }
    }
}

/// A task of synthetic faces with shifts and flips.
fn task(folder: &std::path::Path, augment: &str) -> Task {
    let text = format!(
        r#"{{"path": {:?}, "source": {{"synthetic": {{"count": 60, "seed": 1, "size": 24, "identities": 6}}}},
            "preprocess": {{"size": 24}}, "augment": {augment}, "workers": 2}}"#,
        folder.join("faces.h5")
    );
    Task::prepare(&serde_json::from_str(&text).unwrap(), 5, ferrotype_data::sources::write).unwrap()
}

/// Views that were asked about beforehand are those that are asked about at the visit, and a teacher of the student's own
/// preprocessing is shown the student's own pictures.
#[test]
fn stored_views_equal_asking_again() {
    let folder = tempfile::tempdir().unwrap();
    let task = task(folder.path(), r#"{"shift": 0.1, "flip": 0.5}"#);
    let classes = task.classes().to_vec();
    let teacher = |size: usize| {
        let graph = ModelOptions::TinyXception(Default::default()).build([1, size, size], classes.len()).unwrap();
        Teacher {
            name: "t".into(),
            network: Network::new(Arc::new(graph), 1, &Device::flex()),
            classes: classes.clone(),
            preprocess: Preprocess::new(size, Resize::Bilinear, Colour::Grey, Scale::Unit),
            pictures: 1,
        }
    };
    let interrupt = Interrupt::default();
    let taught = |signal: Signal, views: Option<u64>, epoch: u64, size: usize| {
        let epochs = Epochs { batch_size: 16, seed: 5, views };
        let ensemble = Ensemble::new(vec![teacher(size)], &options(Average::Logits), &classes).unwrap();
        let place = DistillContext {
            task: &task,
            epochs,
            pictures: true,
            signal,
            kernels: "burn",
            folder: folder.path().to_path_buf(),
            interrupt: &interrupt,
        };
        let teaching = Teaching::new(ensemble, &place, Style::Quiet.start().as_mut()).unwrap();
        let mut lessons = teaching.epoch(epoch, 1);
        let batches = task.training_loader_of(&epochs, None).unwrap().epoch(epoch, 1);
        batches
            .map(|batch| {
                let mut batch = batch.unwrap();
                lessons.teach(&mut batch).unwrap();
                assert_eq!(batch.soft.len(), batch.len() * classes.len());
                batch.soft
            })
            .collect::<Vec<_>>()
    };
    for size in [24, 32] {
        let again = taught(Signal::Recompute, Some(2), 3, size);
        assert_eq!(taught(Signal::Views(2), Some(2), 3, size), again);
        assert_ne!(taught(Signal::Rows, Some(2), 3, size), again);
        assert_eq!(taught(Signal::Rows, None, 3, size), taught(Signal::Rows, None, 3, size));
    }
}

#[test]
fn mixed_pictures_are_asked_about_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let task = task(folder.path(), r#"{"mixup": 0.4}"#);
    let classes = task.classes().to_vec();
    let graph = Arc::new(ModelOptions::TinyXception(Default::default()).build([1, 24, 24], classes.len()).unwrap());
    let interrupt = Interrupt::default();
    let teaching = |signal: Signal| {
        let teacher = Teacher {
            name: "t".into(),
            network: Network::new(graph.clone(), 1, &Device::flex()),
            classes: classes.clone(),
            preprocess: task.train.pipeline().options().clone(),
            pictures: 1,
        };
        let place = DistillContext {
            task: &task,
            epochs: Epochs { batch_size: 16, seed: 5, views: None },
            pictures: true,
            signal,
            kernels: "burn",
            folder: folder.path().to_path_buf(),
            interrupt: &interrupt,
        };
        let ensemble = Ensemble::new(vec![teacher], &options(Average::Logits), &classes)?;
        Teaching::new(ensemble, &place, Style::Quiet.start().as_mut())
    };
    assert!(teaching(Signal::Rows).err().unwrap().to_string().contains("mixup"));
    let teaching = teaching(Signal::Recompute).unwrap();
    let mut batch = task.training_loader(16, 5).unwrap().epoch(0, 0).next().unwrap().unwrap();
    teaching.epoch(0, 0).teach(&mut batch).unwrap();
    let ensemble = &teaching.ensemble;
    assert_eq!(batch.soft, ensemble.answers(&[&batch]).unwrap());
}

/// Stored answers about sequences are what the teacher says of all pictures of each, and another way of cutting clips into as many
/// sequences asks anew.
#[test]
fn sequences_are_asked_about_as_a_whole() {
    use ferrotype_data::clips::{example::set, store};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clips.h5");
    store::write(&set(&[7, 12, 9, 8, 10, 11, 9, 7]), &path).unwrap();
    let interrupt = Interrupt::default();
    let taught = |segments: &str| {
        let options: DataOptions = serde_json::from_value(serde_json::json!({
            "path": path,
            "clips": {"parts": ["full_face"], "frames": 2, "segments": segments},
            "split": {"clip_holdout": {"validation": 0.25, "test": 0.25}},
            "preprocess": {"size": 4, "colour": "grey", "scale": "unit"},
        }))
        .unwrap();
        let task = Task::prepare(&options, 1, ferrotype_data::sources::write).unwrap();
        let classes = task.classes().to_vec();
        let mut graph = GraphBuilder::new("net", [2, 4, 4]);
        graph.flatten("flat").linear("fc", Linear::new(classes.len()));
        let teacher = Teacher {
            name: "t".into(),
            network: Network::new(Arc::new(graph.build(classes.len()).unwrap()), 1, &Device::flex()),
            classes: classes.clone(),
            preprocess: task.train.pipeline().options().clone(),
            pictures: 2,
        };
        let place = DistillContext {
            task: &task,
            epochs: Epochs { batch_size: 4, seed: 5, views: None },
            pictures: true,
            signal: Signal::Rows,
            kernels: "burn",
            folder: folder.path().to_path_buf(),
            interrupt: &interrupt,
        };
        let ensemble = Ensemble::new(vec![teacher], &self::options(Average::Logits), &classes).unwrap();
        let teaching = Teaching::new(ensemble, &place, Style::Quiet.start().as_mut()).unwrap();
        let mut batch = task.training_loader(4, 5).unwrap().epoch(0, 0).next().unwrap().unwrap();
        teaching.epoch(0, 0).teach(&mut batch).unwrap();
        let asked = teaching.ensemble.answers(&[&batch]).unwrap();
        assert!(
            batch.soft.iter().zip(&asked).all(|(a, b)| (a - b).abs() < 1e-6),
            "{segments}: {:?} {asked:?}",
            batch.soft
        );
        batch.soft
    };
    assert_ne!(taught("spread"), taught("whole"));
}
