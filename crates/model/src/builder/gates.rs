//! Functions that stand by themselves, gates of channels, and stochastic depth.

use ferrotype_kernels::activation::Function;

use super::GraphBuilder;
use crate::graph::NodeId;
use crate::layers::{Apply, DropPath, Layer, Linear, ScaleChannels, SqueezeExcite};

impl GraphBuilder {
    /// `x * sigmoid(x)`: PyTorch's `nn.SiLU`, also called swish.
    pub fn silu(&mut self) -> &mut Self {
        self.apply(Function::Silu)
    }

    /// `x * min(max(x + 3, 0), 6) / 6`: PyTorch's `nn.Hardswish`.
    pub fn hard_swish(&mut self) -> &mut Self {
        self.apply(Function::HardSwish)
    }

    /// `1 / (1 + exp(-x))`.
    pub fn sigmoid(&mut self) -> &mut Self {
        self.apply(Function::Sigmoid)
    }

    /// `min(max(x + 3, 0), 6) / 6`: PyTorch's `nn.Hardsigmoid`.
    pub fn hard_sigmoid(&mut self) -> &mut Self {
        self.apply(Function::HardSigmoid)
    }

    /// An element-wise function, named after itself.
    pub fn apply(&mut self, function: Function) -> &mut Self {
        let layer = Layer::Apply(Apply(function));
        self.push_after(layer.kind(), layer)
    }

    /// Stochastic depth at this rate, before the sum of a residual block; none at all at rate 0.
    pub fn drop_path(&mut self, rate: f32) -> &mut Self {
        if rate == 0.0 { self } else { self.push_after("drop_path", Layer::DropPath(DropPath { rate })) }
    }

    /// Each plane of the last layer's map times its value in another layer's vector.
    pub fn scale_channels(&mut self, name: impl AsRef<str>, gates: NodeId) -> &mut Self {
        self.push(name.as_ref(), Layer::ScaleChannels(ScaleChannels), &[gates])
    }

    /// Squeeze and excitation: `NAME.avgpool`, `NAME.fc1`, `NAME.fc2` and `NAME.scale`.
    pub fn squeeze_excite(&mut self, name: impl AsRef<str>, layer: SqueezeExcite) -> &mut Self {
        let (name, map, channels) = (name.as_ref(), self.tip(), self.channels());
        self.global_avg_pool(format!("{name}.avgpool"));
        self.linear(format!("{name}.fc1"), Linear::new(layer.squeeze).init(layer.init));
        match layer.activation {
            None => self.relu(),
            Some(function) => self.apply(function),
        };
        self.linear(format!("{name}.fc2"), Linear::new(channels).init(layer.init)).apply(layer.gate);
        let gates = self.tip();
        self.at(map).scale_channels(format!("{name}.scale"), gates)
    }
}
