//! One step of a cell, element by element.

use std::marker::PhantomData;

use crate::activation::{exp, tanh};

/// How a gate opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Gate {
    /// `1 / (1 + exp(-x))`.
    #[default]
    Sigmoid,
    /// Keras' `hard_sigmoid` (before version 3): `0.2 x + 0.5` between 0 and 1.
    HardSigmoid,
}

/// What candidate and state pass through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Squash {
    /// Hyperbolic tangent.
    #[default]
    Tanh,
    /// `max(x, 0)`.
    Relu,
}

/// The functions of a cell: `c' = gate(f) c + gate(i) squash(g)`, `h' = gate(o) squash(c')`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Of the input, forget and output gates.
    pub gate: Gate,
    /// Of candidate and state.
    pub squash: Squash,
}

/// A function with its slope, which is a function of the value that it gave.
pub(super) trait Curve: Copy + Send + Sync + 'static {
    fn value(x: f32) -> f32;
    fn slope(y: f32) -> f32;
}

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;
#[derive(Clone, Copy)]
pub(super) struct HardSigmoid;
#[derive(Clone, Copy)]
pub(super) struct Tanh;
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl Curve for Sigmoid {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        1.0 / (1.0 + exp(-x))
    }
    #[inline(always)]
    fn slope(y: f32) -> f32 {
        y * (1.0 - y)
    }
}

impl Curve for HardSigmoid {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        let y = 0.2 * x + 0.5;
        let low = if y < 0.0 { 0.0 } else { y };
        if low > 1.0 { 1.0 } else { low }
    }
    #[inline(always)]
    fn slope(y: f32) -> f32 {
        if (y > 0.0) & (y < 1.0) { 0.2 } else { 0.0 }
    }
}

impl Curve for Tanh {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        tanh(x)
    }
    #[inline(always)]
    fn slope(y: f32) -> f32 {
        1.0 - y * y
    }
}

impl Curve for Relu {
    #[inline(always)]
    fn value(x: f32) -> f32 {
        if x < 0.0 { 0.0 } else { x }
    }
    #[inline(always)]
    fn slope(y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { 0.0 }
    }
}

/// A [`Cell`] that the compiler knows at compile time.
pub(super) trait Form: Copy + Send + Sync + 'static {
    type Gate: Curve;
    type Squash: Curve;

    /// Opened gates, state and output, from the sums that enter the gates and the state before.
    #[inline(always)]
    fn step([zi, zf, zg, zo, before]: [f32; 5]) -> [f32; 6] {
        let (i, f) = (Self::Gate::value(zi), Self::Gate::value(zf));
        let (g, o) = (Self::Squash::value(zg), Self::Gate::value(zo));
        let c = f * before + i * g;
        [i, f, g, o, c, o * Self::Squash::value(c)]
    }

    /// The gradients of the four sums and of the state before, from the opened gates, the state before, and the
    /// gradients of output and state.
    #[inline(always)]
    fn back([i, f, g, o]: [f32; 4], before: f32, dh: f32, dc: f32) -> [f32; 5] {
        let y = Self::Squash::value(f * before + i * g);
        let dc = dc + dh * o * Self::Squash::slope(y);
        [
            dc * g * Self::Gate::slope(i),
            dc * before * Self::Gate::slope(f),
            dc * i * Self::Squash::slope(g),
            dh * y * Self::Gate::slope(o),
            dc * f,
        ]
    }
}

/// See [`Form`].
pub(super) struct Of<G, S>(PhantomData<(G, S)>);

impl<G, S> Clone for Of<G, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<G, S> Copy for Of<G, S> {}

impl<G: Curve, S: Curve> Form for Of<G, S> {
    type Gate = G;
    type Squash = S;
}

/// Evaluates the expression with the type alias `$F` set to the cell's [`Form`].
macro_rules! with_form {
    ($cell:expr, $F:ident => $body:expr) => {{
        use $crate::recurrent::cell::{Cell, Gate, HardSigmoid, Of, Relu, Sigmoid, Squash, Tanh};
        match $cell {
            Cell { gate: Gate::Sigmoid, squash: Squash::Tanh } => {
                type $F = Of<Sigmoid, Tanh>;
                $body
            }
            Cell { gate: Gate::Sigmoid, squash: Squash::Relu } => {
                type $F = Of<Sigmoid, Relu>;
                $body
            }
            Cell { gate: Gate::HardSigmoid, squash: Squash::Tanh } => {
                type $F = Of<HardSigmoid, Tanh>;
                $body
            }
            Cell { gate: Gate::HardSigmoid, squash: Squash::Relu } => {
                type $F = Of<HardSigmoid, Relu>;
                $body
            }
        }
    }};
}
pub(super) use with_form;
