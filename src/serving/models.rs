//! Finished runs, a detector and what else says something of a face.

mod videos;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ferrotype_analysis::options::AnalysisOptions;
use ferrotype_analysis::record::ShownUnits;
use ferrotype_analysis::{Found, Head, PartFacts, Parts};
use ferrotype_data::picture::{Photo, dimensions_of};
use ferrotype_data::template::FaceTemplate;
use ferrotype_expressions::Predictor;
use ferrotype_model::saliency::{self, Method};
use ferrotype_serve::{AnalyzeOptions, Crop, Face, Fault, HeatMap, ModelInfo, Models, ResultFile, Seen, Watch};
use ferrotype_vision::faces::Bounds;
use ferrotype_vision::video::available;
use serde_json::{Map, Value};

use crate::commands::predict::pictures::doubt;
use crate::systems::loaded;

/// Files of an analysis with their media types; the options stay here, since they name files of this machine.
const FILES: [(&str, &str); 7] = [
    ("annotated.mp4", "video/mp4"),
    ("results.json", "application/json"),
    ("frames.csv", "text/csv; charset=utf-8"),
    ("summary.csv", "text/csv; charset=utf-8"),
    ("au_timeline.csv", "text/csv; charset=utf-8"),
    ("report.html", "text/html; charset=utf-8"),
    ("report.txt", "text/plain; charset=utf-8"),
];

/// A run that is to be served.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// Its name in requests.
    pub name: String,
    /// Its folder.
    pub run: PathBuf,
}

/// Models that are open.
pub struct ServedModels {
    infos: Vec<ModelInfo>,
    eyes: Eyes,
    /// None of models without maps.
    explainers: Vec<Option<Explainer>>,
    options: AnalysisOptions,
}

/// How faces come out of pictures.
enum Eyes {
    /// They are found, and more is known of them.
    Parts(Box<Parts>),
    /// A picture is a face, and should look like those that the first run was trained on.
    Whole { heads: Vec<Head>, template: Option<FaceTemplate> },
}

/// A network as it was trained: maps need all of its layers.
struct Explainer {
    predictor: Predictor,
    layer: String,
}

impl ServedModels {
    /// Opens them. `options` have the files of the parts and which faces are looked at.
    ///
    /// # Errors
    /// When a file or run cannot be used, or takes no single pictures.
    pub fn open(chosen: &[Chosen], options: AnalysisOptions, device: Option<&str>) -> Result<Self> {
        let (mut infos, mut heads, mut explainers, mut template) = (Vec::new(), Vec::new(), Vec::new(), None);
        for (i, one) in chosen.iter().enumerate() {
            let open = || loaded::open_with_heads(&one.run, device).with_context(|| format!("the model {}", one.name));
            let run = open()?;
            ensure!(run.experiment.data.clips.is_none(), "{} takes clips, not single pictures", one.run.display());
            if i == 0 {
                template = FaceTemplate::load(&run.run.template())?;
            }
            let architecture = run.experiment.model.name().to_owned();
            let synthetic =
                run.facts.synthetic.then(|| "Trained on drawn faces: it says nothing about real ones.".into());
            let mut facts = PartFacts::of(&format!("head {}", one.name), &architecture, &run.run.best_weights())?;
            facts.path = one.run.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let predictor = Predictor::new(run)?;
            let explainer = match map_layer(&predictor) {
                Some(layer) => Some(Explainer { predictor: Predictor::new(open()?)?, layer }),
                None => None,
            };
            let predictor = predictor.folded()?;
            infos.push(ModelInfo {
                name: one.name.clone(),
                architecture,
                outputs: predictor.classes().to_vec(),
                heads: predictor.heads().to_vec(),
                input: predictor.shape(),
                heat_map: explainer.is_some(),
                notes: synthetic.into_iter().collect(),
            });
            explainers.push(explainer);
            heads.push((Head { name: one.name.clone(), predictor }, facts));
        }
        let eyes = match options.parts.detector {
            Some(_) => {
                let mut parts = Parts::open(&options, heads)?;
                // Clients are not told where files are on this machine.
                parts.facts.iter_mut().for_each(|facts| facts.path = last_name(&facts.path));
                Eyes::Parts(Box::new(parts))
            }
            None => Eyes::Whole { heads: heads.into_iter().map(|(head, _)| head).collect(), template },
        };
        Ok(Self { infos, eyes, explainers, options })
    }

    fn head(&self, model: usize) -> Result<&Head, Fault> {
        let heads = match &self.eyes {
            Eyes::Parts(parts) => &parts.heads,
            Eyes::Whole { heads, .. } => heads,
        };
        heads.get(model).ok_or_else(|| Fault::Internal(format!("there is no model {model}")))
    }
}

fn last_name(path: &str) -> String {
    Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The layer whose maps show what a model looks at; none where none has maps of more than one pixel, or the model has heads.
fn map_layer(predictor: &Predictor) -> Option<String> {
    predictor.heads().is_empty().then(|| saliency::layer_for(predictor.network(), None).ok()).flatten()
}

impl Explainer {
    /// Grad-CAM of a class.
    fn map(&self, crop: &Photo, class: usize) -> Result<HeatMap> {
        let planes = [self.predictor.planes(&crop.picture())];
        let x = self.predictor.input(&planes)?;
        let maps = saliency::explain(self.predictor.network(), x, &[class], Method::GradCam, Some(&self.layer))?;
        let map = maps.first().context("no map was made")?;
        let most = map.values.iter().copied().fold(0.0f32, f32::max).max(f32::MIN_POSITIVE);
        let values = map.values.iter().map(|v| (255.0 * (v / most).clamp(0.0, 1.0)) as u8).collect();
        Ok(HeatMap { width: map.width, height: map.height, values })
    }
}

impl Models for ServedModels {
    fn list(&self) -> &[ModelInfo] {
        &self.infos
    }

    fn finds_faces(&self) -> bool {
        matches!(self.eyes, Eyes::Parts(_))
    }

    fn refuses_videos(&self) -> Option<String> {
        if !self.finds_faces() {
            return Some("the server was started without a face detector (--detector)".into());
        }
        available().err().map(|e| format!("{e:#}"))
    }

    fn dimensions(&self, picture: &[u8]) -> Result<[u64; 2], Fault> {
        let (width, height) = dimensions_of(picture).map_err(input)?;
        Ok([width as u64, height as u64])
    }

    fn look(&self, picture: &[u8], max_pixels: u64) -> Result<Seen, Fault> {
        let photo = Photo::decode(picture, max_pixels).map_err(input)?;
        let (width, height) = (photo.width(), photo.height());
        let (faces, notes) = match &self.eyes {
            Eyes::Parts(parts) => {
                let found = parts.look(&photo, &self.options.faces).map_err(internal)?;
                let margin = self.options.faces.margin as f32;
                (found.into_iter().map(|face| shown(parts, face, margin)).collect(), Vec::new())
            }
            Eyes::Whole { template, .. } => {
                let doubt = doubt(&photo.picture(), template.as_ref()).map(|doubt| format!("The picture {doubt}."));
                let bounds = [0.0, 0.0, width as f32, height as f32];
                let more = Map::new();
                let heads = Map::new();
                let face = Face { bounds, score: None, points: None, heads, more, crop: crop(photo, bounds) };
                (vec![face], doubt.into_iter().collect())
            }
        };
        Ok(Seen { width, height, faces, notes })
    }

    fn predict(&self, model: usize, crops: &[&Crop]) -> Result<Vec<Vec<f64>>, Fault> {
        let head = self.head(model)?;
        let photos = crops.iter().map(|crop| photo(crop)).collect::<Result<Vec<_>, _>>()?;
        head.tell(&photos.iter().collect::<Vec<_>>()).map_err(internal)
    }

    fn heat_map(&self, model: usize, crop: &Crop, output: usize) -> Result<HeatMap, Fault> {
        let explainer =
            self.explainers.get(model).ok_or_else(|| Fault::Internal(format!("there is no model {model}")))?;
        let explainer = explainer.as_ref().ok_or_else(|| Fault::Internal("the model has no maps".into()))?;
        explainer.map(&photo(crop)?, output).map_err(internal)
    }

    fn analyze(
        &self,
        video: &Path,
        out: &Path,
        options: &AnalyzeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<ResultFile>, Fault> {
        let Eyes::Parts(parts) = &self.eyes else {
            return Err(Fault::Unavailable("the server has no face detector".into()));
        };
        videos::analyze(parts, &self.options, video, out, options, watch)?;
        let made = FILES.into_iter().map(|(name, media_type)| ResultFile {
            name: name.into(),
            path: out.join(name),
            media_type,
        });
        Ok(made.filter(|file| file.path.is_file()).collect())
    }
}

fn input(error: anyhow::Error) -> Fault {
    Fault::Input(format!("{error:#}"))
}

fn internal(error: anyhow::Error) -> Fault {
    Fault::Internal(format!("{error:#}"))
}

fn photo(crop: &Crop) -> Result<Photo, Fault> {
    Photo::new(crop.pixels.clone(), crop.height, crop.width, crop.channels).map_err(internal)
}

fn crop(photo: Photo, bounds: [f32; 4]) -> Crop {
    let (height, width, channels) = (photo.height(), photo.width(), photo.channels());
    Crop { pixels: photo.pixels().to_vec(), height, width, channels, bounds }
}

/// The square that [`Bounds::crop`] cuts: around the middle of the box, its longer side and the margin at both ends.
fn square(bounds: &Bounds, margin: f32) -> [f32; 4] {
    let half = bounds.width().max(bounds.height()) * (0.5 + margin);
    let (x, y) = ((bounds.left + bounds.right) / 2.0, (bounds.top + bounds.bottom) / 2.0);
    [x - half, y - half, x + half, y + half]
}

fn shown(parts: &Parts, found: Found, margin: f32) -> Face {
    let mut more = Map::new();
    let mut add = |name: &str, value: serde_json::Result<Value>| {
        // Numbers and names can be written.
        if let Ok(value) = value {
            more.insert(name.into(), value);
        }
    };
    if let Some(pose) = &found.pose {
        add("pose", serde_json::to_value(pose));
    }
    if let Some(units) = parts.units_of(&found) {
        add("action_units", serde_json::to_value(ShownUnits::of(&units)));
    }
    let said = parts.blendshapes_of(&found).map(|(name, said)| (name.to_owned(), Value::Object(said)));
    let b = found.bounds;
    Face {
        bounds: [b.left, b.top, b.right, b.bottom],
        score: Some(found.score),
        points: found.points,
        heads: said.into_iter().collect(),
        more,
        crop: crop(found.crop, square(&b, margin)),
    }
}
