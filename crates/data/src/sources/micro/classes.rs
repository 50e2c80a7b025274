//! Emotions of a sheet as classes.

use crate::options::MicroTask;

/// An emotion as a dataset names it.
pub(super) struct Emotion {
    /// Its class where every emotion is one.
    pub name: &'static str,
    /// Other spellings, in lower case.
    pub also: &'static [&'static str],
    /// Its class in MEGC 2019's composite, if it has one.
    pub composite: Option<Composite>,
    /// Whether it is a class of the task that is usual for the dataset.
    pub own: bool,
}

/// The three classes of the composite, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Composite {
    Negative,
    Positive,
    Surprise,
}

impl Composite {
    const ALL: [Self; 3] = [Self::Negative, Self::Positive, Self::Surprise];

    fn name(self) -> &'static str {
        ["negative", "positive", "surprise"][self as usize]
    }
}

/// The classes of a task.
pub(super) struct Classes {
    emotions: &'static [Emotion],
    task: MicroTask,
}

/// What a word of the sheet is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A class of the task.
    Class(i16),
    /// An emotion of the dataset that is none of the task's classes.
    LeftOut(&'static str),
    /// No emotion of the dataset.
    Unknown,
}

impl Classes {
    pub(super) fn of(emotions: &'static [Emotion], task: MicroTask) -> Self {
        Self { emotions, task }
    }

    /// Class names in order: of the composite its three, otherwise the emotions' in the order of the dataset's list.
    pub(super) fn names(&self) -> Vec<String> {
        match self.task {
            MicroTask::Composite => Composite::ALL.map(|c| c.name().to_owned()).to_vec(),
            MicroTask::Own => self.emotions.iter().filter(|e| e.own).map(|e| e.name.to_owned()).collect(),
            MicroTask::All => self.emotions.iter().map(|e| e.name.to_owned()).collect(),
        }
    }

    /// What an emotion of the sheet is.
    pub(super) fn meaning(&self, word: &str) -> Meaning {
        let word = word.trim().to_lowercase();
        let Some(emotion) = self.emotions.iter().find(|e| e.name == word || e.also.contains(&word.as_str())) else {
            return Meaning::Unknown;
        };
        let name = match self.task {
            MicroTask::Composite => emotion.composite.map(Composite::name),
            MicroTask::Own => emotion.own.then_some(emotion.name),
            MicroTask::All => Some(emotion.name),
        };
        let class = name.and_then(|name| self.names().iter().position(|n| n == name));
        class.map_or(Meaning::LeftOut(emotion.name), |class| Meaning::Class(class as i16))
    }

    /// The dataset's emotions, for messages.
    pub(super) fn known(&self) -> String {
        self.emotions.iter().map(|e| e.name).collect::<Vec<_>>().join(", ")
    }
}
