use super::*;
use crate::face_set::{Batch, Images};
use crate::options::{Augment, AugmentPreset, Colour, Preprocess, Resize, Scale};
use ferrotype_base::random::Stream;

fn faces(count: usize, side: usize) -> Arc<FaceSet> {
    let mut stream = Stream::new(2);
    let pixels = (0..count * side * side).map(|_| stream.below(256) as u8).collect();
    let images = Images { pixels, height: side, width: side, channels: 1 };
    Arc::new(FaceSet { images, labels: vec![0; count], ..FaceSet::default() })
}

/// Every second row of the set, labelled half and half with one sure class in five.
fn labels(set: &FaceSet, drawn: bool) -> Arc<Labelled> {
    let rows: Vec<u32> = (0..set.len() as u32).step_by(2).collect();
    let target = |row: &u32| if row.is_multiple_of(5) { [0.0, 0.0, 1.0] } else { [0.5, 0.5, 0.0] };
    let targets = rows.iter().flat_map(target).collect();
    Arc::new(Labelled {
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        rows,
        targets,
        drawn,
        ..Labelled::default()
    })
}

fn pipeline(size: usize) -> Pipeline {
    let options = Preprocess::new(size, Resize::Bilinear, Colour::Grey, Scale::Unit);
    Pipeline::new(&options).unwrap()
}

fn training(sampler: Sampler, options: Augment) -> Option<Training> {
    Some(Training { sampler, augmentation: Some(Augmentation::new(&options).unwrap()), seed: 11, views: None })
}

fn mixed() -> Augment {
    Augment { preset: Some(AugmentPreset::Ferplus), erase: Some(0.3), mixup: Some(0.2), ..Augment::default() }
}

fn loader(sampler: Sampler, options: Augment, drawn: bool, workers: usize) -> Loader {
    let set = faces(90, 12);
    let labelled = labels(&set, drawn);
    let examples = (0..labelled.len() as u32).collect();
    Loader::new(set, labelled, examples, pipeline(16), training(sampler, options), 8, workers).unwrap()
}

fn all(epoch: Epoch) -> Vec<Batch> {
    epoch.map(Result::unwrap).collect()
}

#[test]
fn workers_and_the_first_batch_do_not_change_batches() {
    let whole = all(loader(Sampler::Balanced, mixed(), true, 1).epoch(2, 0));
    assert_eq!(whole.iter().map(Batch::len).collect::<Vec<_>>(), [8, 8, 8, 8, 8, 5]);
    for workers in [1, 2, 5, 0] {
        let other = loader(Sampler::Balanced, mixed(), true, workers);
        assert_eq!(all(other.epoch(2, 0)), whole);
        assert_eq!(all(other.epoch(2, 4)), whole[4..]);
        assert!(all(other.epoch(2, 6)).is_empty() && all(other.epoch(2, 99)).is_empty());
        assert_ne!(all(other.epoch(3, 0)), whole);
    }
}

#[test]
fn visits_of_one_row_in_an_epoch_differ() {
    let shift = Augment { shift: Some(0.2), ..Augment::default() };
    let batches = all(loader(Sampler::Balanced, shift, false, 2).epoch(0, 0));
    let images = |row: u32| {
        let of = |b: &Batch| {
            (0..b.len()).filter(|&i| b.rows[i] == row).map(|i| b.images[i * 256..][..256].to_vec()).collect()
        };
        batches.iter().flat_map(|b| -> Vec<Vec<f32>> { of(b) }).collect::<Vec<_>>()
    };
    let repeated = (0..90).map(images).find(|i| i.len() > 1).unwrap();
    assert_ne!(repeated[0], repeated[1]);
}

/// View v is what epoch v shows, and views take turns.
#[test]
fn views_are_those_of_epochs() {
    let shift = || Augment { shift: Some(0.2), flip: Some(0.5), ..Augment::default() };
    let of_rows = |batches: Vec<Batch>| -> std::collections::BTreeMap<u32, Vec<f32>> {
        let rows = batches.iter().flat_map(|b| (0..b.len()).map(|i| (b.rows[i], b.images[i * 256..][..256].to_vec())));
        rows.collect()
    };
    let fresh = loader(Sampler::Shuffle, shift(), false, 2);
    let mut turning = fresh.clone();
    Arc::make_mut(&mut turning.recipe).views = Some(3);
    let mut rows = fresh.clone();
    rows.sampler = None;
    for epoch in 0..7 {
        let shown = of_rows(all(turning.epoch(epoch, 0)));
        assert_eq!(shown, of_rows(all(fresh.epoch(epoch % 3, 0))));
        assert_eq!(
            shown,
            of_rows(all(rows.clone().with_views(Augmentation::new(&shift()).unwrap(), 11).epoch(epoch % 3, 0)))
        );
    }
}

#[test]
fn stored_values_stand_for_pictures() {
    let plain = loader(Sampler::Shuffle, Augment::default(), false, 2);
    let examples = plain.example_indices().to_vec();
    let values = examples.iter().flat_map(|&e| [e as f32, -(e as f32)]).collect();
    let stored = Arc::new(Stored::new(examples, values, [2, 1, 1], 1).unwrap());
    let mixed = loader(Sampler::Shuffle, mixed(), false, 1).with_stored(stored.clone()).unwrap_err().to_string();
    assert!(mixed.contains("mixup"), "{mixed}");
    let with = plain.clone().with_stored(stored).unwrap();
    assert_eq!(with.shape(), [2, 1, 1]);
    for (a, b) in all(plain.epoch(1, 0)).into_iter().zip(all(with.epoch(1, 0))) {
        assert_eq!((&a.rows, &a.targets), (&b.rows, &b.targets));
        // Every second row is an example.
        let expected: Vec<f32> = b.rows.iter().flat_map(|&r| [r as f32 / 2.0, -(r as f32) / 2.0]).collect();
        assert_eq!(b.images, expected);
    }
}

#[test]
fn evaluation_is_in_row_order_and_unchanged() {
    let set = faces(90, 12);
    let labelled = labels(&set, true);
    let examples = (0..labelled.len() as u32).rev().collect();
    let loader = Loader::new(set.clone(), labelled.clone(), examples, pipeline(16), None, 20, 2).unwrap();
    assert_eq!((loader.examples(), loader.batches(), loader.shape()), (45, 3, [1, 16, 16]));
    let batches = all(loader.epoch(0, 0));
    assert_eq!(batches, all(loader.epoch(7, 0)));
    let rows: Vec<u32> = batches.iter().flat_map(|b| b.rows.clone()).collect();
    assert_eq!(rows, labelled.rows);
    assert_eq!(batches.iter().flat_map(|b| b.targets.clone()).collect::<Vec<_>>(), labelled.targets);
    let picture = Picture::new(set.images.get(2), 12, 12, 1).unwrap();
    assert_eq!(batches[0].images[256..512], pipeline(16).apply(&picture));
}

#[test]
fn drawn_labels_follow_the_distribution_per_epoch() {
    let loader = loader(Sampler::Shuffle, Augment::default(), true, 2);
    let (mut first, mut halves) = (0, 0);
    for epoch in 0..50 {
        for batch in all(loader.epoch(epoch, 0)) {
            for (row, target) in batch.rows.iter().zip(batch.targets.chunks(3)) {
                assert!(target.iter().filter(|t| **t == 1.0).count() == 1 && target.iter().sum::<f32>() == 1.0);
                assert_eq!(target[2] == 1.0, row % 5 == 0);
                halves += usize::from(row % 5 != 0);
                first += usize::from(target[0] == 1.0);
            }
        }
    }
    let share = first as f64 / halves as f64;
    assert!((share - 0.5).abs() < 0.04, "{share}");
}

#[test]
fn impossible_requests_are_refused() {
    let set = faces(10, 4);
    let labelled = labels(&set, false);
    let refused = |set: &Arc<FaceSet>, examples: Vec<u32>, batch| {
        Loader::new(set.clone(), labelled.clone(), examples, pipeline(8), None, batch, 1).unwrap_err().to_string()
    };
    assert!(refused(&set, vec![0], 0).contains("batch size"));
    assert!(refused(&set, vec![5], 4).contains("example 5"));
    assert!(refused(&faces(8, 4), vec![4], 4).contains("row 8"));
    let empty = Loader::new(set, labelled, vec![], pipeline(8), None, 4, 2).unwrap();
    assert!(all(empty.epoch(0, 0)).is_empty());
}
