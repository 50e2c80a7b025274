//! Functions that stand by themselves, and gates of channels, as ONNX nodes.

use ferrotype_kernels::activation::Function;

use super::writer::{Writer, float};

/// `f(x)`. SiLU is a product: the operator `Swish` came with a later operator set.
pub fn function(writer: &mut Writer, name: &str, input: &str, function: Function) -> String {
    match function {
        Function::Sigmoid => writer.node("Sigmoid", name, &[input], Vec::new()),
        Function::HardSigmoid => {
            let attributes = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
            writer.node("HardSigmoid", name, &[input], attributes)
        }
        Function::Silu => {
            let gate = writer.node("Sigmoid", &format!("{name}.sigmoid"), &[input], Vec::new());
            writer.node("Mul", name, &[input, &gate], Vec::new())
        }
        Function::HardSwish => writer.node("HardSwish", name, &[input], Vec::new()),
    }
}

/// A map `[batch, channels, height, width]` times gates `[batch, channels]`.
pub fn scale_channels(writer: &mut Writer, name: &str, inputs: &[&str]) -> String {
    let axes = writer.integers(&format!("{name}.axes"), &[2, 3]);
    let gates = writer.node("Unsqueeze", &format!("{name}.gates"), &[inputs[1], &axes], Vec::new());
    writer.node("Mul", name, &[inputs[0], &gates], Vec::new())
}
