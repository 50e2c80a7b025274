//! Networks are made of messages here; files that would run for ever, or fill the memory, must be refused.

use std::time::Instant;

use prost::Message;

use super::proto::{Attribute, Graph, Node, Shape, Side, Tensor, TensorType, Type, ValueInfo};
use super::*;

fn value(name: &str, sides: [i64; 4]) -> ValueInfo {
    let sides = sides.iter().map(|&n| Side { length: Some(n), name: None }).collect();
    let tensor = Some(TensorType { shape: Some(Shape { sides }) });
    ValueInfo { name: name.into(), kind: Some(Type { tensor, sequence: None }) }
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Node {
    let inputs = inputs.iter().map(|&name| name.into()).collect();
    Node { inputs, outputs: vec![output.into()], name: output.into(), operator: operator.into(), ..Node::default() }
}

fn with_ints(mut node: Node, name: &str, ints: &[i64]) -> Node {
    node.attributes.push(Attribute { name: name.into(), ints: ints.to_vec(), ..Attribute::default() });
    node
}

fn floats(name: &str, values: &[f32]) -> Tensor {
    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Tensor { dims: vec![values.len() as i64], kind: Some(1), name: name.into(), raw, ..Tensor::default() }
}

fn longs(name: &str, values: &[i64]) -> Tensor {
    let dims = vec![values.len() as i64];
    Tensor { dims, kind: Some(7), name: name.into(), longs: values.to_vec(), ..Tensor::default() }
}

/// A network from `x` to the last node's output.
fn graph(nodes: Vec<Node>, constants: Vec<Tensor>) -> Graph {
    let last = nodes.last().map(|n| n.outputs[0].clone()).unwrap();
    Graph {
        nodes,
        constants,
        inputs: vec![value("x", [1, 3, 16, 16])],
        outputs: vec![value(&last, [1, 3, 16, 16])],
        ..Graph::default()
    }
}

/// A file: version, the graph's bytes, operators of version 13.
fn file(graph: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x08, 8, 0x3a];
    prost::encode_length_delimiter(graph.len(), &mut bytes).unwrap();
    bytes.extend(graph);
    bytes.extend([0x42, 2, 0x10, 13]);
    bytes
}

fn open(bytes: &[u8]) -> Result<OnnxNetwork> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.onnx");
    std::fs::write(&path, bytes).unwrap();
    OnnxNetwork::open(&path, "face detector")
}

fn refused(bytes: &[u8], parts: &[&str]) {
    let start = Instant::now();
    let text = format!("{:#}", open(bytes).err().expect("it should be refused"));
    assert!(parts.iter().all(|part| text.contains(part)), "{text}\nlacks one of {parts:?}");
    assert!(start.elapsed().as_secs() < 10, "{text}");
}

#[test]
fn a_good_network_runs() {
    let scales = floats("scales", &[1.0, 1.0, 2.0, 2.0]);
    let nodes = vec![node("Relu", &["x"], "r"), node("Resize", &["r", "", "scales"], "y")];
    let network = open(&file(&graph(nodes, vec![scales]).encode_to_vec())).unwrap();
    let (input, output) = (network.model().input_ids()[0], network.model().output_ids()[0]);
    network.try_once(input, &[1, 3, 16, 16], &[output]).unwrap();
    let values = network.run(input, &[1, 3, 16, 16], vec![-1.0; 768], &[output]).unwrap();
    let (shape, values) = values.into_iter().next().unwrap().into_shape_vec::<f32, 4>().unwrap();
    assert_eq!((shape, values), ([1, 3, 32, 32], vec![0.0; 3072]));
    let text = format!("{:#}", network.try_once(input, &[1, 3, 1 << 30, 16], &[output]).unwrap_err());
    assert!(text.contains("larger than any face detector takes"), "{text}");
}

/// The length of a field, read as a signed number, leads the runtime's reader back to the field itself.
#[test]
fn a_length_that_leads_back_is_refused() {
    let mut graph = graph(vec![node("Relu", &["x"], "y")], Vec::new()).encode_to_vec();
    let back = u64::MAX - 10;
    graph.push(0x12);
    prost::encoding::encode_varint(back, &mut graph);
    assert!(graph.ends_with(&[0xff, 0x01]));
    refused(&file(&graph), &["network.onnx", "face detector", "damaged"]);
}

#[test]
fn work_without_bound_is_refused() {
    let made = |nodes: Vec<Node>, constants: Vec<Tensor>| file(&graph(nodes, constants).encode_to_vec());
    let scales = || floats("s", &[1.0, 1.0, 16.0, 1e9]);
    refused(&made(vec![node("Resize", &["x", "", "s"], "y")], vec![scales()]), &["`y` (Resize)", "damaged"]);
    let chain = vec![node("Resize", &["x", "", "s"], "a"), node("Resize", &["a", "", "s"], "y")];
    refused(&made(chain, vec![floats("s", &[1.0, 1.0, 15.0, 15.0])]), &["`y` (Resize)", "50625"]);
    let sizes = longs("n", &[1, 3, 1 << 20, 1 << 20]);
    refused(&made(vec![node("Resize", &["x", "", "", "n"], "y")], vec![sizes]), &["`y` (Resize)"]);
    refused(&made(vec![node("ConstantOfShape", &["n"], "y")], vec![longs("n", &[1 << 40])]), &["ConstantOfShape"]);
    refused(&made(vec![node("Expand", &["x", "n"], "y")], vec![longs("n", &[1 << 30, 3, 16, 16])]), &["Expand"]);
    refused(&made(vec![node("Tile", &["x", "n"], "y")], vec![longs("n", &[1, 1 << 30, 1, 1])]), &["Tile"]);
    let pads = longs("n", &[0, 0, 1 << 40, 0, 0, 0, 0, 0]);
    refused(&made(vec![node("Pad", &["x", "n"], "y")], vec![pads]), &["Pad", "border"]);
    let pool = with_ints(node("MaxPool", &["x"], "y"), "kernel_shape", &[2, 2]);
    refused(&made(vec![with_ints(pool, "pads", &[0, 0, 1 << 40, 0])], Vec::new()), &["MaxPool", "pads"]);
    refused(&made(vec![node("Loop", &["x"], "y")], Vec::new()), &["`y` (Loop)"]);
    // Within a branch as well.
    let inner = graph(vec![node("Scan", &["x"], "y")], Vec::new());
    let mut outer = node("If", &["x"], "y");
    outer.attributes.push(Attribute { name: "then_branch".into(), graph: Some(inner), ..Attribute::default() });
    refused(&made(vec![outer], Vec::new()), &["(Scan)"]);
    // A number that another operation hands on is judged, too.
    let mut constant = node("Constant", &[], "s");
    constant.attributes.push(Attribute { name: "value".into(), tensor: Some(scales()), ..Attribute::default() });
    refused(&made(vec![constant, node("Resize", &["x", "", "s"], "y")], Vec::new()), &["`y` (Resize)"]);
}

#[test]
fn other_files_are_called_what_they_are() {
    refused(b"", &["is empty"]);
    refused(b"not a network", &["not an ONNX file"]);
    refused(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        &["Git LFS pointer", "git lfs pull"],
    );
}

#[test]
fn work_that_does_not_end_is_given_up() {
    let text =
        limited(Duration::from_millis(20), || std::thread::sleep(Duration::from_secs(2))).unwrap_err().to_string();
    assert!(text.contains("more than 0.02 s"), "{text}");
    assert_eq!(limited(LONGEST, || 3).unwrap(), 3);
    assert!(limited(LONGEST, || assert!(LONGEST.is_zero())).is_err());
}
