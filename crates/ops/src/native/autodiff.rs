//! The two implementations of [`NativeOps`]: plain, and with backward passes.

use std::sync::Arc;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Flex, TensorMetadata};
use ferrotype_kernels::pool::Pool2d;
use ferrotype_kernels::recurrent::{ConvLstm, Lstm, States};
use ferrotype_kernels::{Activation, BatchNorm, Conv2d, Isa};

use super::normalisation::Parameters;
use super::recurrent::{Call, Inputs};
use super::{NativeOps, contiguous, convolution, elementwise, linear, loss, normalisation, pooling, recurrent};

impl NativeOps for Flex {
    fn native_conv2d(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        shape: Conv2d,
        act: Activation,
        isa: Isa,
    ) -> FlexTensor {
        convolution::forward(&contiguous(x), &contiguous(weight), &contiguous(bias), shape, act, isa)
    }

    fn native_batch_norm_train(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        shape: BatchNorm,
        isa: Isa,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [y, mean, var] = normalisation::train(&contiguous(x), &contiguous(weight), &contiguous(bias), shape, isa);
        (y, mean, var)
    }

    fn native_batch_norm(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        shape: BatchNorm,
        isa: Isa,
    ) -> FlexTensor {
        normalisation::frozen(&contiguous(x), &parameters(weight, bias, mean, variance), shape, isa)
    }

    fn native_linear(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        outputs: usize,
        act: Activation,
        isa: Isa,
    ) -> FlexTensor {
        let size = linear_size(&x, outputs);
        linear::forward(&contiguous(x), &contiguous(weight), &contiguous(bias), size, act, isa)
    }

    fn native_max_pool(x: FlexTensor, shape: Pool2d, isa: Isa) -> FlexTensor {
        pooling::max(&contiguous(x), shape, isa).0
    }

    fn native_avg_pool(x: FlexTensor, shape: Pool2d, count_padding: bool, isa: Isa) -> FlexTensor {
        pooling::average(&contiguous(x), shape, count_padding, isa)
    }

    fn native_global_avg_pool(x: FlexTensor, isa: Isa) -> FlexTensor {
        let shape = x.shape().dims();
        pooling::global(&contiguous(x), shape, isa)
    }

    fn native_activate(x: FlexTensor, act: Activation, isa: Isa) -> FlexTensor {
        elementwise::activate(&contiguous(x), act, isa)
    }

    fn native_add(a: FlexTensor, b: FlexTensor, act: Activation, isa: Isa) -> FlexTensor {
        elementwise::add(&contiguous(a), &contiguous(b), act, isa)
    }

    fn native_dropout(x: FlexTensor, key: u64, rate: f64, isa: Isa) -> FlexTensor {
        elementwise::dropped(&contiguous(x), key, rate, isa)
    }

    fn native_lstm(
        x: FlexTensor,
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        mask: FlexTensor,
        shape: Lstm,
        states: States,
        isa: Isa,
    ) -> FlexTensor {
        recurrent::lstm(Inputs::new([x, input, weight, bias]), mask, Call { shape, states, isa }, false).0
    }

    fn native_conv_lstm(
        x: FlexTensor,
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        shape: ConvLstm,
        states: States,
        isa: Isa,
    ) -> FlexTensor {
        recurrent::conv_lstm(Inputs::new([x, input, weight, bias]), Call { shape, states, isa }, false).0
    }

    fn native_cross_entropy(logits: FlexTensor, targets: FlexTensor, isa: Isa) -> FlexTensor {
        let shape = logits.shape().dims();
        loss::cross_entropy(&contiguous(logits), &contiguous(targets), shape, isa).0
    }
}

fn parameters(weight: FlexTensor, bias: FlexTensor, mean: FlexTensor, variance: FlexTensor) -> Parameters {
    Parameters {
        weight: contiguous(weight),
        bias: contiguous(bias),
        mean: contiguous(mean),
        variance: contiguous(variance),
    }
}

fn linear_size(x: &FlexTensor, outputs: usize) -> linear::Size {
    let [batch, inputs] = x.shape().dims();
    linear::Size { batch, inputs, outputs }
}

/// A backward pass with a name and a state: the glue that Burn asks for around a function of state, parents, gradient.
macro_rules! backward_pass {
    ($name:ident, $parents:literal, $state:ty, |$s:ident, $ids:ident, $dy:ident, $grads:ident| $body:expr) => {
        #[derive(Debug)]
        struct $name;

        impl Backward<Flex, $parents> for $name {
            type State = $state;

            fn backward(
                self,
                ops: Ops<Self::State, $parents>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let $ids: [Option<NodeId>; $parents] = ops.parents.map(|parent| parent.map(|node| node.id));
                let $dy = grads.consume::<Flex>(&ops.node);
                let ($s, $grads) = (ops.state, grads);
                $body
            }
        }
    };
}
pub(super) use backward_pass;

/// The end of an operation: its output, and what its backward pass needs, where there will be one.
macro_rules! finish {
    ($prepared:expr, $state:expr, $y:expr) => {
        match $prepared {
            OpsKind::Tracked(p) => p.finish($state, $y),
            OpsKind::UnTracked(p) => p.finish($y),
        }
    };
}
pub(super) use finish;

backward_pass!(ConvBackward, 3, convolution::State, |s, ids, dy, grads| convolution::backward(s, ids, dy, grads));
backward_pass!(NormBackward, 3, normalisation::State, |s, ids, dy, grads| normalisation::backward(s, ids, dy, grads));
backward_pass!(LinearBackward, 3, linear::State, |s, ids, dy, grads| linear::backward(s, ids, dy, grads));
backward_pass!(LstmBackward, 4, recurrent::State, |s, ids, dy, grads| recurrent::lstm_backward(s, ids, dy, grads));
backward_pass!(ConvLstmBackward, 4, recurrent::ConvState, |s, ids, dy, grads| {
    recurrent::conv_lstm_backward(s, ids, dy, grads)
});
backward_pass!(MaxBackward, 1, (Arc<Vec<u8>>, Pool2d, Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, pooling::max_backward(dy, &s.0, s.1, s.2));
    }
});
backward_pass!(AverageBackward, 1, (Pool2d, bool, Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, pooling::average_backward(dy, s.0, s.1, s.2));
    }
});
backward_pass!(GlobalBackward, 1, ([usize; 4], Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, pooling::global_backward(dy, s.0, s.1));
    }
});
backward_pass!(ActivateBackward, 1, (FlexTensor, Activation, Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, elementwise::gate(&s.0, dy, s.1, s.2));
    }
});
backward_pass!(AddBackward, 2, (Option<FlexTensor>, Activation, Isa), |s, ids, dy, grads| {
    let gradient = match &s.0 {
        Some(y) => elementwise::gate(y, dy, s.1, s.2),
        None => dy,
    };
    // A shared handle: whoever writes to it first makes its own copy.
    for id in ids.into_iter().flatten() {
        grads.register::<Flex>(id, gradient.clone());
    }
});
backward_pass!(DropoutBackward, 1, (u64, f64, Isa), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, elementwise::dropped_backward(dy, s.0, s.1, s.2));
    }
});
backward_pass!(LossBackward, 1, (FlexTensor, [usize; 2]), |s, ids, dy, grads| {
    if let [Some(id)] = ids {
        grads.register::<Flex>(id, loss::backward(dy, &s.0, s.1));
    }
});

type Tracked<C> = Autodiff<Flex, C>;

impl<C: CheckpointStrategy> NativeOps for Autodiff<Flex, C> {
    fn native_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: Conv2d,
        act: Activation,
        isa: Isa,
    ) -> FloatTensor<Self> {
        let (track_x, track_w) = (x.is_tracked(), weight.is_tracked());
        let ((x, gx), (w, gw), (b, gb)) = (x.into_parts(), weight.into_parts(), bias.into_parts());
        let (x, w) = (contiguous(x), contiguous(w));
        let y = convolution::forward(&x, &w, &contiguous(b), shape, act, isa);
        match ConvBackward.prepare::<C>([gx, gw, gb]).compute_bound().stateful() {
            OpsKind::Tracked(p) => {
                let state = convolution::State {
                    x: track_w.then_some(x),
                    weight: track_x.then_some(w),
                    y: (act != Activation::None).then(|| y.clone()),
                    shape,
                    act,
                    isa,
                };
                p.finish(state, y)
            }
            OpsKind::UnTracked(p) => p.finish(y),
        }
    }

    fn native_batch_norm_train(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: BatchNorm,
        isa: Isa,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let ((x, gx), (w, gw), (b, gb)) = (x.into_parts(), weight.into_parts(), bias.into_parts());
        let (x, w, b) = (contiguous(x), contiguous(w), contiguous(b));
        let [y, mean, variance] = normalisation::train(&x, &w, &b, shape, isa);
        let statistics = [mean.clone(), variance.clone()].map(<Tracked<C> as AutodiffBackend>::from_inner);
        let y = match NormBackward.prepare::<C>([gx, gw, gb]).compute_bound().stateful() {
            OpsKind::Tracked(p) => {
                let parameters = Parameters { weight: w, bias: b, mean, variance };
                p.finish(normalisation::State { x, parameters, shape, frozen: false, isa }, y)
            }
            OpsKind::UnTracked(p) => p.finish(y),
        };
        let [mean, variance] = statistics;
        (y, mean, variance)
    }

    fn native_batch_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        shape: BatchNorm,
        isa: Isa,
    ) -> FloatTensor<Self> {
        let ((x, gx), (w, gw), (b, gb)) = (x.into_parts(), weight.into_parts(), bias.into_parts());
        let x = contiguous(x);
        let parameters = parameters(w, b, mean.into_parts().0, variance.into_parts().0);
        let y = normalisation::frozen(&x, &parameters, shape, isa);
        finish!(
            NormBackward.prepare::<C>([gx, gw, gb]).compute_bound().stateful(),
            normalisation::State { x, parameters, shape, frozen: true, isa },
            y
        )
    }

    fn native_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        outputs: usize,
        act: Activation,
        isa: Isa,
    ) -> FloatTensor<Self> {
        let (track_x, track_w) = (x.is_tracked(), weight.is_tracked());
        let ((x, gx), (w, gw), (b, gb)) = (x.into_parts(), weight.into_parts(), bias.into_parts());
        let size = linear_size(&x, outputs);
        let (x, w) = (contiguous(x), contiguous(w));
        let y = linear::forward(&x, &w, &contiguous(b), size, act, isa);
        match LinearBackward.prepare::<C>([gx, gw, gb]).compute_bound().stateful() {
            OpsKind::Tracked(p) => {
                let state = linear::State {
                    x: track_w.then_some(x),
                    weight: track_x.then_some(w),
                    y: (act != Activation::None).then(|| y.clone()),
                    size,
                    act,
                    isa,
                };
                p.finish(state, y)
            }
            OpsKind::UnTracked(p) => p.finish(y),
        }
    }

    fn native_max_pool(x: FloatTensor<Self>, shape: Pool2d, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let (y, index) = pooling::max(&contiguous(x), shape, isa);
        finish!(MaxBackward.prepare::<C>([gx]).compute_bound().stateful(), (index, shape, isa), y)
    }

    fn native_avg_pool(x: FloatTensor<Self>, shape: Pool2d, count_padding: bool, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let y = pooling::average(&contiguous(x), shape, count_padding, isa);
        finish!(AverageBackward.prepare::<C>([gx]).compute_bound().stateful(), (shape, count_padding, isa), y)
    }

    fn native_global_avg_pool(x: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let shape = x.shape().dims();
        let y = pooling::global(&contiguous(x), shape, isa);
        finish!(GlobalBackward.prepare::<C>([gx]).compute_bound().stateful(), (shape, isa), y)
    }

    fn native_activate(x: FloatTensor<Self>, act: Activation, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let y = elementwise::activate(&contiguous(x), act, isa);
        finish!(ActivateBackward.prepare::<C>([gx]).compute_bound().stateful(), (y.clone(), act, isa), y)
    }

    fn native_add(a: FloatTensor<Self>, b: FloatTensor<Self>, act: Activation, isa: Isa) -> FloatTensor<Self> {
        let ((a, ga), (b, gb)) = (a.into_parts(), b.into_parts());
        let y = elementwise::add(&contiguous(a), &contiguous(b), act, isa);
        finish!(
            AddBackward.prepare::<C>([ga, gb]).compute_bound().stateful(),
            ((act != Activation::None).then(|| y.clone()), act, isa),
            y
        )
    }

    fn native_dropout(x: FloatTensor<Self>, key: u64, rate: f64, isa: Isa) -> FloatTensor<Self> {
        let (x, gx) = x.into_parts();
        let y = elementwise::dropped(&contiguous(x), key, rate, isa);
        finish!(DropoutBackward.prepare::<C>([gx]).compute_bound().stateful(), (key, rate, isa), y)
    }

    fn native_lstm(
        x: FloatTensor<Self>,
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        shape: Lstm,
        states: States,
        isa: Isa,
    ) -> FloatTensor<Self> {
        let tracked = [&x, &input, &weight, &bias].iter().any(|t| t.is_tracked());
        let ((x, gx), (i, gi), (w, gw), (b, gb)) =
            (x.into_parts(), input.into_parts(), weight.into_parts(), bias.into_parts());
        let call = Call { shape, states, isa };
        let (y, state) = recurrent::lstm(Inputs::new([x, i, w, b]), mask.into_parts().0, call, tracked);
        finish!(LstmBackward.prepare::<C>([gx, gi, gw, gb]).compute_bound().stateful(), state, y)
    }

    fn native_conv_lstm(
        x: FloatTensor<Self>,
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shape: ConvLstm,
        states: States,
        isa: Isa,
    ) -> FloatTensor<Self> {
        let tracked = [&x, &input, &weight, &bias].iter().any(|t| t.is_tracked());
        let ((x, gx), (i, gi), (w, gw), (b, gb)) =
            (x.into_parts(), input.into_parts(), weight.into_parts(), bias.into_parts());
        let (y, state) = recurrent::conv_lstm(Inputs::new([x, i, w, b]), Call { shape, states, isa }, tracked);
        finish!(ConvLstmBackward.prepare::<C>([gx, gi, gw, gb]).compute_bound().stateful(), state, y)
    }

    fn native_cross_entropy(logits: FloatTensor<Self>, targets: FloatTensor<Self>, isa: Isa) -> FloatTensor<Self> {
        let ((z, gz), (t, _)) = (logits.into_parts(), targets.into_parts());
        let shape = z.shape().dims();
        let (losses, gradient) = loss::cross_entropy(&contiguous(z), &contiguous(t), shape, isa);
        match LossBackward.prepare::<C>([gz]).compute_bound().stateful() {
            OpsKind::Tracked(p) => p.finish((gradient, shape), losses),
            OpsKind::UnTracked(p) => p.finish(losses),
        }
    }
}
