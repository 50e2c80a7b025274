//! The native bodies of element-wise functions that stand by themselves, of gates of channels, and of stochastic depth.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use ferrotype_kernels::activation::Function;
use ferrotype_kernels::{Isa, gates, owned};

use super::autodiff::{backward_pass, finish};
use super::{contiguous, like, values, writable};
use crate::profile::{Direction, Kind, timed};

/// Functions, gates and stochastic depth.
#[backend_extension(Flex, Autodiff)]
pub trait GateOps: Backend {
    /// `f(x)`.
    fn native_apply(x: FloatTensor<Self>, f: Function, isa: Isa) -> FloatTensor<Self>;

    /// Each plane of `x` times its gate.
    fn native_scale_channels(x: FloatTensor<Self>, gates: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self>;

    /// Each of the `rows` of `x` times its factor in the mask of `key`.
    fn native_drop_path(x: FloatTensor<Self>, rows: usize, key: u64, rate: f64, isa: Isa) -> FloatTensor<Self>;
}

fn applied(x: &FlexTensor, f: Function, isa: Isa) -> FlexTensor {
    like(x, timed(Kind::Elementwise(Direction::Forward), || owned::applied(isa, f, values(x))))
}

fn scaled(x: &FlexTensor, factors: &FlexTensor, isa: Isa) -> FlexTensor {
    like(x, timed(Kind::Elementwise(Direction::Forward), || owned::gated(isa, values(factors), values(x))))
}

/// What decides on rows.
#[derive(Clone, Copy, Debug)]
struct Rows {
    rows: usize,
    key: u64,
    rate: f64,
    isa: Isa,
}

impl Rows {
    fn mask(self) -> Vec<f32> {
        owned::dropout_mask(self.isa, self.key, self.rate, self.rows)
    }

    fn dropped(self, x: &FlexTensor) -> FlexTensor {
        like(x, timed(Kind::Dropout(Direction::Forward), || owned::gated(self.isa, &self.mask(), values(x))))
    }
}

impl GateOps for Flex {
    fn native_apply(x: FlexTensor, f: Function, isa: Isa) -> FlexTensor {
        applied(&contiguous(x), f, isa)
    }

    fn native_scale_channels(x: FlexTensor, gates: FlexTensor, isa: Isa) -> FlexTensor {
        scaled(&contiguous(x), &contiguous(gates), isa)
    }

    fn native_drop_path(x: FlexTensor, rows: usize, key: u64, rate: f64, isa: Isa) -> FlexTensor {
        Rows { rows, key, rate, isa }.dropped(&contiguous(x))
    }
}

backward_pass!(ApplyBackward, 1, (FlexTensor, Function, Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        let mut dy = writable(dy);
        timed(Kind::Elementwise(Direction::Backward), || {
            s.1.backward(s.2, values(&s.0), dy.storage_mut::<f32>());
        });
        grads.register::<Flex>(id, dy);
    }
});
backward_pass!(ScaleBackward, 2, (FlexTensor, FlexTensor, Isa), |s, ids, dy, grads| {
    let ((x, factors, isa), [map, gates]) = (s, ids);
    let mut dy = writable(dy);
    let dgates = timed(Kind::Elementwise(Direction::Backward), || {
        owned::gate_gradients(isa, values(&factors), values(&x), dy.storage_mut::<f32>())
    });
    if let Some(id) = gates {
        grads.register::<Flex>(id, like(&factors, dgates));
    }
    if let Some(id) = map {
        grads.register::<Flex>(id, dy);
    }
});
backward_pass!(PathBackward, 1, Rows, |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        let mut dy = writable(dy);
        timed(Kind::Dropout(Direction::Backward), || gates::in_place(s.isa, &s.mask(), dy.storage_mut::<f32>()));
        grads.register::<Flex>(id, dy);
    }
});

impl<C: CheckpointStrategy> GateOps for Autodiff<Flex, C> {
    fn native_apply(x: FloatTensor<Self>, f: Function, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let x = contiguous(x);
        let y = applied(&x, f, isa);
        finish!(ApplyBackward.prepare::<C>([gx]).compute_bound().stateful(), (x, f, isa), y)
    }

    fn native_scale_channels(x: FloatTensor<Self>, gates: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self> {
        let ((x, gx), (factors, gf)) = (x.into_parts(), gates.into_parts());
        let (x, factors) = (contiguous(x), contiguous(factors));
        let y = scaled(&x, &factors, isa);
        finish!(ScaleBackward.prepare::<C>([gx, gf]).compute_bound().stateful(), (x, factors, isa), y)
    }

    fn native_drop_path(x: FloatTensor<Self>, rows: usize, key: u64, rate: f64, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let rows = Rows { rows, key, rate, isa };
        let y = rows.dropped(&contiguous(x));
        finish!(PathBackward.prepare::<C>([gx]).compute_bound().stateful(), rows, y)
    }
}
