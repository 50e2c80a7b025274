//! The detector: a file, recognised by what goes in and comes out.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rten::{Dimension, Model, NodeId};

use super::{Detection, Letterbox, suppress, ultraface, yunet};
use ferrotype_data::preprocess::Picture;
use ferrotype_onnx::OnnxNetwork;

/// Smallest score of a face, unless said otherwise: both detectors find what is there at it, and little else.
const MIN_SCORE: f32 = 0.6;
/// Boxes that overlap by more are of one face.
const OVERLAP: f32 = 0.3;

/// Finds faces with a network in an ONNX file: UltraFace or YuNet.
pub struct Detector {
    network: OnnxNetwork,
    input: NodeId,
    kind: Kind,
    min_score: f32,
}

/// What the file holds.
#[derive(Debug, PartialEq)]
enum Kind {
    /// Width and height of the frame; scores and boxes.
    UltraFace { frame: [usize; 2], outputs: [NodeId; 2] },
    /// Class, object, box, points, per stride.
    YuNet { outputs: [[NodeId; 4]; 3] },
}

impl Kind {
    fn outputs(&self) -> &[NodeId] {
        match self {
            Self::UltraFace { outputs, .. } => outputs,
            Self::YuNet { outputs } => outputs.as_flattened(),
        }
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector")
            .field("path", &self.network.path())
            .field("kind", &self.name())
            .finish_non_exhaustive()
    }
}

impl Detector {
    /// Loads the file and finds out which detector it is.
    ///
    /// # Errors
    /// When it cannot be read, is not ONNX, is cut off, or is another network.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let network = OnnxNetwork::open(path, "face detector")?;
        let model = network.model();
        let Some((input, kind)) = recognise(model) else {
            bail!(
                "{shown} is no face detector that is known here: UltraFace (outputs `scores` and `boxes`) and YuNet \
                 (outputs `cls_8` to `kps_32`) are, this file has the outputs {}",
                names(model)
            );
        };
        let [width, height] = match &kind {
            Kind::UltraFace { frame, .. } => *frame,
            Kind::YuNet { .. } => [yunet::SIDE; 2],
        };
        network.try_once(input, &[1, 3, height, width], kind.outputs())?;
        Ok(Self { network, input, kind, min_score: MIN_SCORE })
    }

    /// With another smallest score of a face, 0 to 1.
    ///
    /// # Errors
    /// When it is not from 0 to 1.
    pub fn with_min_score(mut self, min_score: f32) -> Result<Self> {
        ensure!(
            (0.0..=1.0).contains(&min_score),
            "the smallest score of a face is {min_score}: it must be from 0 to 1"
        );
        self.min_score = min_score;
        Ok(self)
    }

    /// Which detector it is.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::UltraFace { .. } => "UltraFace",
            Kind::YuNet { .. } => "YuNet",
        }
    }

    /// The faces in a picture of any size, best score first.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn detect(&self, picture: &Picture) -> Result<Vec<Detection>> {
        let found = match &self.kind {
            Kind::UltraFace { frame, .. } => self.ultraface(picture, *frame),
            Kind::YuNet { .. } => self.yunet(picture),
        };
        let mut found = found.with_context(|| self.network.failed())?;
        found.retain(|d| d.score.is_finite() && d.bounds.lies_in(picture.width, picture.height));
        Ok(suppress(found, OVERLAP))
    }

    /// The largest faces of a picture that are at least so many pixels wide, the largest first; of two of one size the better
    /// score stays first.
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn largest(&self, picture: &Picture, min_width: f64, most: usize) -> Result<Vec<Detection>> {
        let mut found = self.detect(picture)?;
        found.retain(|d| f64::from(d.bounds.width()) >= min_width);
        found.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
        found.truncate(most);
        Ok(found)
    }

    fn ultraface(&self, picture: &Picture, frame: [usize; 2]) -> Result<Vec<Detection>> {
        let place = Letterbox::into_frame(picture.width, picture.height, frame);
        let mut planes = place.fill(picture, ultraface::PADDING);
        ultraface::scale(&mut planes);
        let values = self.run(planes, frame)?;
        ultraface::decode(&values[0], &values[1], self.min_score, &place)
    }

    fn yunet(&self, picture: &Picture) -> Result<Vec<Detection>> {
        let place = Letterbox::within(picture.width, picture.height, yunet::SIDE, yunet::MULTIPLE);
        let mut planes = place.fill(picture, yunet::PADDING);
        yunet::swap(&mut planes);
        let values = self.run(planes, place.frame)?;
        let mut found = Vec::new();
        for (stride, v) in yunet::STRIDES.into_iter().zip(values.chunks_exact(4)) {
            found.extend(yunet::decode([&v[0], &v[1], &v[2], &v[3]], stride, self.min_score, &place)?);
        }
        Ok(found)
    }

    /// The values of each output, for one picture.
    fn run(&self, planes: Vec<f32>, [width, height]: [usize; 2]) -> Result<Vec<Vec<f32>>> {
        let values = self.network.run(self.input, &[1, 3, height, width], planes, self.kind.outputs())?;
        let values = values.into_iter().map(|value| {
            let (shape, values) = value.into_shape_vec::<f32, 3>().map_err(|e| anyhow!("one of its outputs: {e}"))?;
            ensure!(shape[0] == 1, "one of its outputs is for {} pictures, not 1", shape[0]);
            Ok(values)
        });
        values.collect()
    }
}

/// The input for a picture and the kind of detector, if it is one.
fn recognise(model: &Model) -> Option<(NodeId, Kind)> {
    // Files of some exporters list their weights among the inputs.
    let input = model.input_ids().iter().copied().find(|&id| is_picture(&shape(model, id)))?;
    let output = |name: &str| model.find_node(name).filter(|id| model.output_ids().contains(id));
    let all = |stride: usize| Some(yunet::KINDS.map(|(kind, _)| output(&format!("{kind}_{stride}"))));
    let cells = yunet::STRIDES.map(|s| all(s).and_then(whole));
    if let Some(outputs) = whole(cells) {
        return Some((input, Kind::YuNet { outputs }));
    }
    let [.., Dimension::Fixed(height), Dimension::Fixed(width)] = shape(model, input)[..] else { return None };
    let outputs = whole([output("scores"), output("boxes")])?;
    let widths = outputs.map(|id| shape(model, id).last().cloned());
    let fits = |found: &Option<Dimension>, n: usize| !matches!(found, Some(Dimension::Fixed(m)) if *m != n);
    (fits(&widths[0], 2) && fits(&widths[1], 4) && width > 0 && height > 0)
        .then_some((input, Kind::UltraFace { frame: [width, height], outputs }))
}

fn shape(model: &Model, id: NodeId) -> Vec<Dimension> {
    model.node_info(id).and_then(|n| n.shape()).unwrap_or_default()
}

/// `[1, 3, height, width]`; all but the colours may be open.
fn is_picture(shape: &[Dimension]) -> bool {
    matches!(shape, [Dimension::Fixed(1) | Dimension::Symbolic(_), Dimension::Fixed(3), _, _])
}

/// All of them, or nothing.
fn whole<T: Copy, const N: usize>(parts: [Option<T>; N]) -> Option<[T; N]> {
    let found: Vec<T> = parts.into_iter().flatten().collect();
    found.try_into().ok()
}

fn names(model: &Model) -> String {
    let of = |&id: &NodeId| model.node_info(id).and_then(|n| n.name().map(|n| format!("`{n}`")));
    let names: Vec<String> = model.output_ids().iter().filter_map(of).take(16).collect();
    names.join(", ")
}
