//! From the examples of one batch to the batch: no threads here.

use std::sync::Arc;

use anyhow::Result;

use super::stored::{Stored, view};
use crate::augment::{Augmentation, Mix};
use crate::example::planes;
use crate::face_set::{Batch, FaceSet, Labelled};
use crate::preprocess::Pipeline;
use ferrotype_base::random::{Purpose, Stream};
use ferrotype_base::targets::Head;

/// One example at one place of the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Index into the labels.
    pub example: u32,
    /// How often it came before in this epoch.
    pub earlier: u32,
}

/// Everything that a batch is made from.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub set: Arc<FaceSet>,
    pub labelled: Arc<Labelled>,
    pub pipeline: Pipeline,
    pub augmentation: Option<Augmentation>,
    pub mix: Option<Mix>,
    pub seed: u64,
    pub is_training: bool,
    pub views: Option<u64>,
    pub stored: Option<Arc<Stored>>,
}

impl Recipe {
    /// Batch number `index` of an epoch.
    pub fn batch(&self, visits: &[Visit], epoch: u64, index: u64) -> Result<Batch> {
        let shape = self.shape();
        let width = self.labelled.width();
        let mut batch = Batch {
            images: Vec::with_capacity(visits.len() * shape.iter().product::<usize>()),
            targets: Vec::with_capacity(visits.len() * width),
            known: visits
                .iter()
                .flat_map(|v| self.labelled.known_of(v.example as usize))
                .map(|&k| f32::from(k))
                .collect(),
            weights: vec![1.0; visits.len()],
            rows: visits.iter().map(|v| self.row(v) as u32).collect(),
            shape,
            soft: Vec::new(),
            valid: match &self.set.segments {
                Some(segments) => visits.iter().map(|v| segments.valid[self.row(v)]).collect(),
                None => Vec::new(),
            },
        };
        if let Some(shards) = self.set.shards.as_ref().filter(|_| self.stored.is_none()) {
            let rows = visits.iter().map(|visit| self.row(visit));
            match &self.set.segments {
                Some(segments) => shards.will_read(rows.flat_map(|row| segments.get(row)).map(|&n| n as usize)),
                None => shards.will_read(rows),
            }
        }
        for visit in visits {
            batch.images.extend(self.image(visit, epoch)?);
            self.push_target(visit, epoch, &mut batch.targets);
        }
        if let Some(mix) = &self.mix {
            mix.apply(&mut batch, self.seed, epoch, index);
        }
        Ok(batch)
    }

    /// `[channels, height, width]` of what stands for one example.
    pub fn shape(&self) -> [usize; 3] {
        self.stored.as_ref().map_or_else(|| self.pipeline.shape(), |stored| stored.shape())
    }

    fn row(&self, visit: &Visit) -> usize {
        self.labelled.rows[visit.example as usize] as usize
    }

    /// The preprocessed picture or pictures, `[planes, size, size]`, or what is stored in their place.
    fn image(&self, visit: &Visit, epoch: u64) -> Result<Vec<f32>> {
        if let Some(stored) = &self.stored {
            return Ok(stored.block(visit.example, epoch, visit.earlier)?.to_vec());
        }
        let choice = match self.views {
            Some(views) => {
                let first = Visit { earlier: 0, ..*visit };
                self.choice(Purpose::Augmentation, &first, view(epoch, visit.earlier, views))
            }
            None => self.choice(Purpose::Augmentation, visit, epoch),
        };
        let change = self.augmentation.as_ref().map(|augmentation| (augmentation, &choice));
        let mut image = planes(&self.set, self.row(visit), &self.pipeline, change)?;
        self.pipeline.scale(&mut image);
        Ok(image)
    }

    /// The target: the distribution, or in training, where labels are drawn, one class of it.
    fn push_target(&self, visit: &Visit, epoch: u64, targets: &mut Vec<f32>) {
        let target = self.labelled.target(visit.example as usize);
        if !self.labelled.drawn || !self.is_training {
            targets.extend_from_slice(target);
            return;
        }
        // Labels are drawn of the classes; the targets of other heads are what they are.
        let classes = self.labelled.class_head().map_or(0..target.len(), Head::range);
        let drawn =
            classes.start + draw(&target[classes.clone()], self.choice(Purpose::DrawnLabel, visit, epoch).unit());
        let one = |k: usize| if k == drawn { 1.0 } else { 0.0 };
        targets.extend(target.iter().enumerate().map(|(k, &t)| if classes.contains(&k) { one(k) } else { t }));
    }

    /// The random numbers of a visit: of the row, so that a choice does not depend on which rows the label rule kept; and
    /// of the visit, where a sampler draws a row more than once, so that its visits differ.
    fn choice(&self, purpose: Purpose, visit: &Visit, epoch: u64) -> Stream {
        let row = self.row(visit) as u64;
        match visit.earlier {
            0 => Stream::of(self.seed, purpose, &[epoch, row]),
            earlier => Stream::of(self.seed, purpose, &[epoch, row, u64::from(earlier)]),
        }
    }
}

/// The class where the cumulative distribution passes `unit`; never one without weight.
fn draw(target: &[f32], unit: f64) -> usize {
    let total: f64 = target.iter().map(|&t| f64::from(t)).sum();
    let mut left = unit * total;
    let mut last = 0;
    for (class, &weight) in target.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        last = class;
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    last
}
