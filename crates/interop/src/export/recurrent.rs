//! Recurrent layers as ONNX nodes. An LSTM becomes the operator of that name, which takes any number of steps; a
//! convolutional one is written step by step, since ONNX has no operator for it.

use anyhow::{Result, ensure};
use ferrotype_kernels::recurrent::{Cell, Gate, Squash, States};

use super::layers::pads;
use super::lengths::Lengths;
use super::writer::{Writer, float, integer, integers};
use ferrotype_model::layers::{ConvLstm, Lstm};
use ferrotype_model::{Shape, StateTensor};

/// The gates' order in ONNX, as positions in ours: input, output, forget, candidate.
const ORDER: [usize; 4] = [0, 3, 1, 2];

/// An LSTM of a sequence `[batch, steps, features]`, with its parameters' values. Padding stands behind what is there, so
/// it changes no state before it, and only the last state has to be looked for.
pub fn lstm(
    writer: &mut Writer,
    layer: &Lstm,
    name: &str,
    input: &str,
    state: &[&StateTensor],
    steps: usize,
    lengths: Option<&Lengths>,
) -> Result<String> {
    ensure!(layer.mask.is_none(), "has a mask: ONNX's LSTM cannot leave out single steps");
    let hidden = layer.hidden;
    if layer.cell != Cell::default() {
        return Ok(unrolled(writer, layer, name, input, state, steps, lengths));
    }
    let part = |k: &str| format!("{name}.{k}");
    let weight = |writer: &mut Writer, key: &str, t: &StateTensor| {
        writer.floats(&part(key), &[1, 4 * hidden, t.shape[1]], &reordered(&t.values))
    };
    let w = weight(writer, "W", state[0]);
    let r = weight(writer, "R", state[1]);
    // ONNX adds two biases; where there is one, the other is zero.
    let mut biases = reordered(&state[2].values);
    biases.extend(state.get(3).map_or_else(|| vec![0.0; 4 * hidden], |t| reordered(&t.values)));
    let b = writer.floats(&part("B"), &[1, 8 * hidden], &biases);
    let x = writer.node("Transpose", &part("by_steps"), &[input], vec![integers("perm", &[1, 0, 2])]);
    let attributes = vec![integer("hidden_size", hidden as i64)];
    let (all, last) = (part("all"), part("last"));
    let sequence = |writer: &mut Writer, name: &str| {
        writer.nodes("LSTM", &part("lstm"), &[&x, &w, &r, &b], &[&all], attributes.clone());
        let axis = writer.integers(&part("direction"), &[1]);
        let y = writer.node("Squeeze", &part("squeezed"), &[&all, &axis], Vec::new());
        writer.node("Transpose", name, &[&y], vec![integers("perm", &[1, 0, 2])])
    };
    Ok(match (layer.states, lengths) {
        (States::All, _) => sequence(writer, name),
        (States::Last, Some(lengths)) => {
            let states = sequence(writer, &part("states"));
            lengths.last(writer, name, &states)
        }
        (States::Last, None) => {
            writer.nodes("LSTM", &part("lstm"), &[&x, &w, &r, &b], &[&all, &last], attributes);
            let axis = writer.integers(&part("direction"), &[0]);
            writer.node("Squeeze", name, &[&last, &axis], Vec::new())
        }
    })
}

/// An LSTM with other functions than sigmoid and tanh, which runtimes need not know in the operator: step by step, as many
/// as the network has.
fn unrolled(
    writer: &mut Writer,
    layer: &Lstm,
    name: &str,
    input: &str,
    state: &[&StateTensor],
    steps: usize,
    lengths: Option<&Lengths>,
) -> String {
    let (hidden, gates) = (layer.hidden, 4 * layer.hidden);
    let named = |k: &str| format!("{name}.{k}");
    let weight = writer.floats(&named("weight_ih"), &state[0].shape, &state[0].values);
    let recurrent = writer.floats(&named("weight_hh"), &state[1].shape, &state[1].values);
    let second = state.get(3).map_or_else(|| vec![0.0; gates], |t| t.values.clone());
    let bias: Vec<f32> = state[2].values.iter().zip(second).map(|(a, b)| a + b).collect();
    let bias = writer.floats(&named("bias"), &[gates], &bias);
    let parts = writer.integers(&named("gates"), &[hidden as i64; 4]);
    let axis = writer.integers(&named("axis"), &[1]);
    let (mut outputs, mut before): (Vec<String>, Option<[String; 2]>) = (Vec::new(), None);
    for t in 0..steps {
        let part = |k: &str| format!("{name}.{t}.{k}");
        let at = writer.scalar(&part("at"), t as i64);
        let x = writer.node("Gather", &part("x"), &[input, &at], vec![integer("axis", 1)]);
        let mut sum = writer.node("Gemm", &part("input"), &[&x, &weight, &bias], vec![integer("transB", 1)]);
        if let Some([h, _]) = &before {
            sum = writer.node("Gemm", &part("sum"), &[h, &recurrent, &sum], vec![integer("transB", 1)]);
        }
        let (h, c) = step(writer, layer.cell, name, t, &sum, &parts, before.take().map(|[_, c]| c));
        outputs.push(writer.node("Unsqueeze", &part("y"), &[&h, &axis], Vec::new()));
        before = Some([h, c]);
    }
    let last = before.map(|[h, _]| h).unwrap_or_default();
    match (layer.states, lengths) {
        (States::Last, None) => writer.node("Identity", name, &[&last], Vec::new()),
        (states, lengths) => {
            let all: Vec<&str> = outputs.iter().map(String::as_str).collect();
            let to = if states == States::All { name.to_owned() } else { named("states") };
            let all = writer.node("Concat", &to, &all, vec![integer("axis", 1)]);
            match (states, lengths) {
                (States::Last, Some(lengths)) => lengths.last(writer, name, &all),
                _ => all,
            }
        }
    }
}

/// Output and cell of a step, from the sums that enter its gates and the cell before.
fn step(
    writer: &mut Writer,
    cell: Cell,
    name: &str,
    t: usize,
    sum: &str,
    parts: &str,
    before: Option<String>,
) -> (String, String) {
    let part = |k: &str| format!("{name}.{t}.{k}");
    let names = ["zi", "zf", "zg", "zo"].map(part);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    writer.nodes("Split", &part("split"), &[sum, parts], &names, vec![integer("axis", 1)]);
    let i = gate(writer, cell, &part("i"), names[0]);
    let f = gate(writer, cell, &part("f"), names[1]);
    let g = squash(writer, cell, &part("g"), names[2]);
    let o = gate(writer, cell, &part("o"), names[3]);
    let new = writer.node("Mul", &part("new"), &[&i, &g], Vec::new());
    let kept = before.map(|before| writer.node("Mul", &part("kept"), &[&f, &before], Vec::new()));
    let now = kept.map_or(new.clone(), |kept| writer.node("Add", &part("c"), &[&kept, &new], Vec::new()));
    let open = squash(writer, cell, &part("open"), &now);
    (writer.node("Mul", &part("h"), &[&o, &open], Vec::new()), now)
}

/// Rows gate by gate in ONNX's order.
fn reordered(values: &[f32]) -> Vec<f32> {
    let gate = values.len() / 4;
    ORDER.iter().flat_map(|&k| values[k * gate..(k + 1) * gate].iter().copied()).collect()
}

/// A convolutional LSTM of maps, with the names of its parameters.
pub fn conv_lstm(
    writer: &mut Writer,
    layer: &ConvLstm,
    name: &str,
    input: &str,
    shape: &Shape,
    [weight, recurrent, bias]: [&str; 3],
) -> Result<String> {
    let c = layer.resolve(shape, 1)?;
    let (filters, gates) = (c.filters, 4 * c.filters);
    let size = [c.out_height() as i64, c.out_width() as i64];
    let part = |t: usize, k: &str| format!("{name}.{t}.{k}");
    let frames = [-1, c.channels as i64, c.height as i64, c.width as i64];
    let frames = writer.integers(&format!("{name}.frames"), &frames);
    let x = writer.node("Reshape", &format!("{name}.by_frames"), &[input, &frames], Vec::new());
    let kernel = integers("kernel_shape", &c.kernel);
    let all = writer.node(
        "Conv",
        &format!("{name}.inputs"),
        &[&x, weight, bias],
        vec![kernel.clone(), pads(&c.input_conv(1).padding)],
    );
    let sequence = writer.integers(&format!("{name}.sequence"), &[-1, (c.steps * gates) as i64, size[0], size[1]]);
    let all = writer.node("Reshape", &format!("{name}.by_sequences"), &[&all, &sequence], Vec::new());
    let axis = writer.integers(&format!("{name}.axis"), &[1]);
    let parts = writer.integers(&format!("{name}.gates"), &[filters as i64; 4]);
    let mut outputs: Vec<String> = Vec::new();
    let mut cell: Option<String> = None;
    for t in 0..c.steps {
        let from = writer.integers(&part(t, "from"), &[(t * gates) as i64]);
        let to = writer.integers(&part(t, "to"), &[((t + 1) * gates) as i64]);
        let mut sum = writer.node("Slice", &part(t, "input"), &[&all, &from, &to, &axis], Vec::new());
        if let Some(h) = outputs.last() {
            let attributes = vec![kernel.clone(), pads(&c.recurrent_conv(1).padding)];
            let state = writer.node("Conv", &part(t, "state"), &[h, recurrent], attributes);
            sum = writer.node("Add", &part(t, "sum"), &[&sum, &state], Vec::new());
        }
        let (output, now) = step(writer, c.cell, name, t, &sum, &parts, cell.take());
        outputs.push(output);
        cell = Some(now);
    }
    let given = match layer.states {
        States::All => outputs,
        States::Last => outputs.split_off(c.steps - 1),
    };
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    Ok(writer.node("Concat", name, &given, vec![integer("axis", 1)]))
}

fn gate(writer: &mut Writer, cell: Cell, name: &str, input: &str) -> String {
    match cell.gate {
        Gate::Sigmoid => writer.node("Sigmoid", name, &[input], Vec::new()),
        Gate::HardSigmoid => writer.node("HardSigmoid", name, &[input], vec![float("alpha", 0.2), float("beta", 0.5)]),
    }
}

fn squash(writer: &mut Writer, cell: Cell, name: &str, input: &str) -> String {
    let op = match cell.squash {
        Squash::Tanh => "Tanh",
        Squash::Relu => "Relu",
    };
    writer.node(op, name, &[input], Vec::new())
}
