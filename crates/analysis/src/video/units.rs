//! The predictors of action units, one course of features for each person.

use std::collections::BTreeMap;

use ferrotype_action_units::features::Features;
use ferrotype_action_units::predict::{ActionUnits, Predictor, Tracker};

/// The persons of a video while it is looked at.
pub struct UnitTracks {
    predictor: Option<Predictor>,
    persons: BTreeMap<usize, Course>,
}

struct Course {
    tracker: Tracker,
    /// The first frame of the person, counted among those that were looked at, and the one after the last.
    first: u64,
    next: u64,
}

impl UnitTracks {
    pub fn new(predictor: Option<&Predictor>) -> Self {
        Self { predictor: predictor.cloned(), persons: BTreeMap::new() }
    }

    /// What the predictors say at the moment of a person in the frame `at`, counted among those that were looked at.
    pub fn push(&mut self, at: u64, person: usize, features: Option<&Features>) -> Option<ActionUnits> {
        let predictor = self.predictor.as_ref()?;
        let new = || Course { tracker: predictor.tracker(), first: at, next: at };
        let course = self.persons.entry(person).or_insert_with(new);
        // Frames without the person are frames that were not tracked.
        (course.next..at).for_each(|_| {
            course.tracker.push(None);
        });
        course.next = at + 1;
        course.tracker.push(features)
    }

    /// What the predictors say in the end, after zero levels and smoothing over the whole video.
    pub fn finish(self) -> FinishedUnits {
        let finished = |(person, course): (usize, Course)| (person, (course.first, course.tracker.finish()));
        FinishedUnits(self.persons.into_iter().map(finished).collect())
    }
}

/// Action units of a whole video, by person: from its first frame on, counted among those that were looked at.
pub struct FinishedUnits(BTreeMap<usize, (u64, Vec<Option<ActionUnits>>)>);

impl FinishedUnits {
    /// Those of a person in a frame.
    pub fn of(&self, at: u64, person: usize) -> Option<&ActionUnits> {
        let (first, units) = self.0.get(&person)?;
        units.get(at.checked_sub(*first)? as usize)?.as_ref()
    }
}
