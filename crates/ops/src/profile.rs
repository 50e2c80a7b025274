//! Where the time of a step goes: a stopwatch around each native operation and each phase of a training step.
//!
//! Times belong to the thread that [`record`] runs on, which is the one that calls the operations; the threads that
//! help inside a kernel are not counted apart. When nothing is recorded, [`timed`] reads one thread-local flag.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use ferrotype_kernels::Conv2d;

/// What time is spent on. Operations do not overlap each other; phases hold operations and the glue between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A phase of the step.
    Phase(Phase),
    /// A convolution.
    Conv(Form, Part),
    /// Batch normalisation with its activation.
    BatchNorm(Direction),
    /// Maxima and means over windows and planes.
    Pooling(Direction),
    /// Fully connected layers.
    Linear(Direction),
    /// Recurrent layers, whole sequences.
    Recurrent(Direction),
    /// Dropout.
    Dropout(Direction),
    /// Layer normalisation.
    LayerNorm(Direction),
    /// What tokens take of each other, without the linear layers around it.
    Attention(Direction),
    /// Between maps and tokens.
    Tokens(Direction),
    /// Activations and sums that stand alone.
    Elementwise(Direction),
    /// The gradient through an activation that was computed with its layer.
    Gate,
    /// Softmax cross-entropy.
    Loss(Direction),
}

/// A phase of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The batch becomes a tensor.
    Input,
    /// From pictures to logits.
    Forward,
    /// From the loss to gradients.
    Backward,
    /// The optimizer.
    Update,
}

/// The forms of convolutions that take different kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Every output sees every input, through a window.
    Dense,
    /// Every output sees every input, pixel by pixel.
    Pointwise,
    /// One filter per channel.
    Depthwise,
}

/// The three computations of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The output.
    Forward,
    /// The input's gradient.
    Data,
    /// The gradients of weight and bias.
    Weight,
    /// All gradients in one pass.
    All,
}

/// The direction of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The output.
    Forward,
    /// The gradients.
    Backward,
}

impl Kind {
    /// The kind of a convolution's computation.
    pub fn conv(shape: &Conv2d, part: Part) -> Self {
        let form = match (shape.groups, shape.kernel) {
            (1, [1, 1]) => Form::Pointwise,
            (1, _) => Form::Dense,
            _ => Form::Depthwise,
        };
        Self::Conv(form, part)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = |x: &dyn fmt::Debug| format!("{x:?}").to_lowercase();
        f.write_str(&match self {
            Self::Phase(Phase::Input) => "input copy".into(),
            Self::Phase(Phase::Update) => "optimizer update".into(),
            Self::Phase(p) => format!("{} pass", low(p)),
            Self::Conv(form, Part::Forward) => format!("conv {} forward", low(form)),
            Self::Conv(form, Part::All) => format!("conv {} backward, all at once", low(form)),
            Self::Conv(form, part) => format!("conv {} backward {}", low(form), low(part)),
            Self::BatchNorm(d) => format!("batch norm {}", low(d)),
            Self::Pooling(d) => format!("pooling {}", low(d)),
            Self::Linear(d) => format!("linear {}", low(d)),
            Self::Recurrent(d) => format!("recurrent {}", low(d)),
            Self::Dropout(d) => format!("dropout {}", low(d)),
            Self::LayerNorm(d) => format!("layer norm {}", low(d)),
            Self::Attention(d) => format!("attention {}", low(d)),
            Self::Tokens(d) => format!("maps and tokens {}", low(d)),
            Self::Elementwise(d) => format!("sum and activation {}", low(d)),
            Self::Gate => "activation backward".into(),
            Self::Loss(d) => format!("loss {}", low(d)),
        })
    }
}

/// Time and calls of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Time in all calls.
    pub time: Duration,
    /// How many there were.
    pub calls: u64,
}

/// Time by kind.
pub type Profile = BTreeMap<Kind, Spent>;

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static SPENT: RefCell<Profile> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs `f`; where this thread records, its time is counted.
pub fn timed<T>(kind: Kind, f: impl FnOnce() -> T) -> T {
    if !ON.get() {
        return f();
    }
    let began = Instant::now();
    let value = f();
    let time = began.elapsed();
    SPENT.with_borrow_mut(|all| {
        let spent = all.entry(kind).or_default();
        spent.time += time;
        spent.calls += 1;
    });
    value
}

/// Runs `f` with recording on this thread; gives what it returned and where its time went.
pub fn record<T>(f: impl FnOnce() -> T) -> (T, Profile) {
    SPENT.take();
    ON.set(true);
    let value = f();
    ON.set(false);
    (value, SPENT.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_recorded_counts() {
        timed(Kind::Gate, || ());
        let (value, profile) = record(|| timed(Kind::Gate, || 1) + timed(Kind::Gate, || 2));
        assert_eq!((value, profile[&Kind::Gate].calls, profile.len()), (3, 2, 1));
        timed(Kind::Gate, || ());
        assert!(record(|| ()).1.is_empty());
    }

    #[test]
    fn kinds_have_names() {
        assert_eq!(Kind::Conv(Form::Dense, Part::Data).to_string(), "conv dense backward data");
        assert_eq!(Kind::Phase(Phase::Forward).to_string(), "forward pass");
    }
}
