//! One file of predictors: safetensors, with all that are no weights as JSON in its metadata.
//!
//! `weights` `(n, 4702)` and `means` `(m, 4702)`, float64, one row per predictor and per vector that several share;
//! `shape.mean` `(204)`, `shape.components` `(204, 34)`, `shape.eigenvalues` `(34)`, float64; `triangles` `(t, 3)`, int64.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use ferrotype_base::digest::sha256;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::CheckedFile;
use crate::formats::{Entry, Linear, ShapeFile, Svm, Svr, parse_shape_model, parse_triangles};
use crate::formats::{format_shape_model, format_triangles};
use crate::predict::{Model, PredictorFiles};

/// The key of the metadata.
const KEY: &str = "ferrotype.action_units";
const VERSION: u32 = 1;
/// An imported file has about 2 MB.
const MAX_BYTES: u64 = 64 << 20;
const SHAPE: [&str; 3] = ["shape.mean", "shape.components", "shape.eigenvalues"];

/// Where predictors come from and what may be done with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The folder they were read from.
    pub source: String,
    /// The terms in a few sentences.
    pub notice: String,
    /// Where the licence is published.
    pub licence: String,
    /// The text of the licence in the user's copy, where it had one.
    pub licence_text: Option<String>,
    /// The files, by name.
    pub files: Vec<CheckedFile>,
}

#[derive(Serialize, Deserialize)]
struct Meta {
    version: u32,
    /// sha256 of the tensors' bytes, in the order of their names.
    tensors_sha256: String,
    provenance: Provenance,
    video: Vec<Row>,
    picture: Vec<Row>,
}

/// A predictor of a list.
#[derive(Serialize, Deserialize)]
struct Row {
    file: String,
    unit: u8,
    /// Rows of `weights` and `means`.
    weights: usize,
    means: usize,
    bias: f64,
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Intensity { cutoff: Option<f64> },
    Presence { dynamic: bool, positive: f64, negative: f64 },
}

/// Vectors that are kept once however many predictors share them.
#[derive(Default)]
struct Shared(Vec<Vec<f64>>);

impl Shared {
    fn row(&mut self, values: &[f64]) -> usize {
        self.0.iter().position(|known| known == values).unwrap_or_else(|| {
            self.0.push(values.to_vec());
            self.0.len() - 1
        })
    }

    fn tensor(&self) -> Tensor {
        let columns = self.0.first().map_or(0, Vec::len);
        (Dtype::F64, vec![self.0.len(), columns], bytes_of(&self.0.concat()))
    }
}

type Tensor = (Dtype, Vec<usize>, Vec<u8>);

fn bytes_of(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// The file's bytes; the same predictors give the same bytes.
pub fn to_bytes(files: &PredictorFiles, provenance: &Provenance) -> Result<Vec<u8>> {
    let (mut weights, mut means) = (Shared::default(), Shared::default());
    let mut rows = |models: &[(Entry, Model)]| -> Vec<Row> {
        let row = |(entry, model): &(Entry, Model)| Row {
            file: entry.file.clone(),
            unit: entry.unit,
            weights: weights.row(&model.linear().weights),
            means: means.row(&model.linear().means),
            bias: model.linear().bias,
            kind: match model {
                Model::Intensity(svr) => Kind::Intensity { cutoff: svr.cutoff },
                Model::Presence(m) => Kind::Presence { dynamic: m.dynamic, positive: m.positive, negative: m.negative },
            },
        };
        models.iter().map(row).collect()
    };
    let (video, picture) = (rows(&files.video), rows(&files.picture));
    let shape = &files.shape;
    let vectors = [&shape.mean, &shape.components, &shape.eigenvalues];
    let triangles = files.triangles.iter().flatten().flat_map(|&i| (i as i64).to_le_bytes()).collect();
    let mut tensors: Vec<(&str, Tensor)> = vec![
        ("weights", weights.tensor()),
        ("means", means.tensor()),
        ("triangles", (Dtype::I64, vec![files.triangles.len(), 3], triangles)),
    ];
    for ((name, values), sides) in SHAPE.into_iter().zip(vectors).zip([vec![204], vec![204, 34], vec![34]]) {
        tensors.push((name, (Dtype::F64, sides, bytes_of(values))));
    }
    tensors.sort_by_key(|(name, _)| *name);
    let digest = sha256(tensors.iter().flat_map(|(_, (_, _, bytes))| bytes).copied().collect::<Vec<u8>>());
    let meta = Meta { version: VERSION, tensors_sha256: digest, provenance: provenance.clone(), video, picture };
    let header = HashMap::from([(KEY.to_owned(), serde_json::to_string(&meta)?)]);
    let views: Vec<(&str, TensorView)> = tensors
        .iter()
        .map(|(name, (dtype, sides, bytes))| Ok((*name, TensorView::new(*dtype, sides.clone(), bytes)?)))
        .collect::<Result<_>>()?;
    Ok(serialize(views, Some(header))?)
}

/// Reads a file that [`super::import`] wrote.
///
/// # Errors
/// When it cannot be read, is damaged, or is another file.
pub fn read_file(path: &Path) -> Result<(PredictorFiles, Provenance)> {
    let shown = path.display();
    let size = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(size <= MAX_BYTES, "{shown} has {size} bytes: it is no file of action unit predictors");
    let bytes = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    ferrotype_base::lfs::refuse(&bytes)
        .and_then(|()| parse(&bytes))
        .with_context(|| format!("{shown} is not a usable file of action unit predictors"))
}

/// Takes the bytes of a file apart.
pub fn parse(bytes: &[u8]) -> Result<(PredictorFiles, Provenance)> {
    let broken = |e: safetensors::SafeTensorError| anyhow!("it is no safetensors file, or damaged ({e})");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let text = header
        .metadata()
        .as_ref()
        .and_then(|m| m.get(KEY))
        .with_context(|| format!("its metadata has no `{KEY}`: import OpenFace's folder to make such a file"))?;
    let meta: Meta = serde_json::from_str(text).context("its description is damaged or of another version")?;
    ensure!(meta.version == VERSION, "it has version {}, this program reads {VERSION}", meta.version);
    let tensors = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut names = tensors.names();
    names.sort_unstable();
    let all: Vec<&[u8]> = names.iter().map(|name| Ok(tensors.tensor(name)?.data())).collect::<Result<_>>()?;
    ensure!(sha256(all.concat()) == meta.tensors_sha256, "its weights are damaged: import OpenFace's folder again");
    let matrix = |name: &str| -> Result<Vec<Vec<f64>>> {
        let view = tensors.tensor(name).map_err(broken)?;
        let columns = view.shape().last().copied().filter(|&c| c > 0 && view.dtype() == Dtype::F64);
        let columns = columns.with_context(|| format!("{name} is no matrix of float64"))?;
        let values: Vec<f64> = view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        ensure!(values.iter().all(|v| v.is_finite()), "a value of {name} is not finite");
        Ok(values.chunks(columns).map(<[f64]>::to_vec).collect())
    };
    let (weights, means) = (matrix("weights")?, matrix("means")?);
    let models = |rows: &[Row]| rows.iter().map(|row| model(row, &weights, &means)).collect::<Result<Vec<_>>>();
    let [mean, components, eigenvalues] = SHAPE.map(|name| matrix(name).map(|rows| rows.concat()));
    let shape = ShapeFile { mean: mean?, components: components?, eigenvalues: eigenvalues? };
    let corners = tensors.tensor("triangles").map_err(broken)?;
    let corners: Vec<i64> = corners.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
    let corners: Vec<usize> = corners.iter().map(|&i| usize::try_from(i).unwrap_or(usize::MAX)).collect();
    let triangles: Vec<[usize; 3]> = corners.as_chunks::<3>().0.to_vec();
    let files = PredictorFiles {
        // The parsers of OpenFace's own files hold the values against what is possible.
        shape: parse_shape_model(format_shape_model(&shape).as_bytes()).context("the shape model")?,
        triangles: parse_triangles(format_triangles(&triangles).as_bytes()).context("the triangles")?,
        video: models(&meta.video)?,
        picture: models(&meta.picture)?,
    };
    Ok((files, meta.provenance))
}

fn model(row: &Row, weights: &[Vec<f64>], means: &[Vec<f64>]) -> Result<(Entry, Model)> {
    let vector =
        |rows: &[Vec<f64>], at: usize| rows.get(at).cloned().context("its description names a row that is not there");
    let linear = Linear { weights: vector(weights, row.weights)?, means: vector(means, row.means)?, bias: row.bias };
    let is_intensity = matches!(row.kind, Kind::Intensity { .. });
    let model = match row.kind {
        Kind::Intensity { cutoff } => Model::Intensity(Svr { linear, cutoff }),
        Kind::Presence { dynamic, positive, negative } => Model::Presence(Svm { linear, dynamic, positive, negative }),
    };
    Ok((Entry { file: row.file.clone(), unit: row.unit, is_intensity }, model))
}
