//! Identity embeddings of faces by a network in an ONNX file.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rten::{Dimension, NodeId};

use ferrotype_onnx::OnnxNetwork;

/// Where the middles of the eyes stand in the faces that such networks are trained on (ArcFace's template, Deng et al.,
/// arXiv:1801.07698), as parts of the side.
pub const TEMPLATE: [[f32; 2]; 2] = [[0.341_92, 0.461_57], [0.656_53, 0.459_83]];

/// Embeds faces with MobileFaceNet (Chen et al., arXiv:1804.07573) or a network of its form: aligned RGB, `(x - 127.5) /
/// 128`, in; a vector whose direction tells who it is, out.
pub struct Embedder {
    network: OnnxNetwork,
    input: NodeId,
    output: NodeId,
    side: usize,
    size: usize,
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").field("path", &self.network.path()).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Embedder {
    /// Loads the file.
    ///
    /// # Errors
    /// When it cannot be read, is not ONNX, is cut off, or is another network.
    pub fn open(path: &Path) -> Result<Self> {
        let network = OnnxNetwork::open(path, "embedding network")?;
        let model = network.model();
        let shown = path.display();
        let shape = |id: NodeId| model.node_info(id).and_then(|n| n.shape()).unwrap_or_default();
        let square = |s: &[Dimension]| match s {
            [_, Dimension::Fixed(3), Dimension::Fixed(h), Dimension::Fixed(w)] if h == w && *h >= 16 => Some(*h),
            _ => None,
        };
        let vector = |s: &[Dimension]| match s {
            [_, Dimension::Fixed(n)] if (16..=4096).contains(n) => Some(*n),
            _ => None,
        };
        let input = model.input_ids().iter().copied().find_map(|id| Some((id, square(&shape(id))?)));
        let output = model.output_ids().iter().copied().find_map(|id| Some((id, vector(&shape(id))?)));
        let (Some((input, side)), Some((output, size))) = (input, output) else {
            bail!(
                "{shown} is no embedding network that is known here: one with an input [batch, 3, side, side] and one output \
                 [batch, values] is expected, as MobileFaceNet has them"
            );
        };
        // A landmark network has the same form; its numbers are no identity.
        ensure!(size != 136, "{shown} gives 136 values: it is a landmark network, not an embedding one");
        network.try_once(input, &[1, 3, side, side], &[output])?;
        Ok(Self { network, input, output, side, size })
    }

    /// Pixels per side of the faces that it takes.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Values of an embedding.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The embedding of an aligned face, RGB `[side, side, 3]`.
    ///
    /// # Errors
    /// When the network cannot be run or gives no numbers.
    pub fn embed(&self, face: &[u8]) -> Result<Vec<f32>> {
        let n = self.side * self.side;
        ensure!(face.len() == 3 * n, "a face of {} values, where {0} x {0} RGB is expected", self.side);
        let planes: Vec<f32> = (0..3 * n).map(|i| (f32::from(face[i % n * 3 + i / n]) - 127.5) / 128.0).collect();
        self.run(planes).with_context(|| self.network.failed())
    }

    fn run(&self, planes: Vec<f32>) -> Result<Vec<f32>> {
        let values = self.network.run(self.input, &[1, 3, self.side, self.side], planes, &[self.output])?;
        let value = values.into_iter().next().context("it has no output")?;
        let (shape, values) = value.into_shape_vec::<f32, 2>().map_err(|e| anyhow!("its output: {e}"))?;
        let is_good = shape == [1, self.size] && values.iter().all(|v| v.is_finite());
        ensure!(is_good, "its output has the shape {shape:?} or values that are no numbers");
        Ok(values)
    }
}
