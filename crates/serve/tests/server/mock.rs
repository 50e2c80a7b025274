//! Models that look at nothing.

use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use ferrotype_base::targets::{Head, TargetKind, output_names};
use ferrotype_serve::{AnalyzeOptions, Crop, Face, Fault, HeatMap, ModelInfo, Models, ResultFile, Seen, Watch};
use image::ImageReader;
use serde_json::{Map, Value, json};

pub const CLASSES: [&str; 7] = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"];

/// A picture of this width makes a model panic.
pub const PANICS: u32 = 13;
/// In a picture of this width there is no face.
pub const EMPTY: u32 = 17;

pub struct MockModels {
    list: Vec<ModelInfo>,
    /// Closed while nothing is to be looked at.
    gate: (Mutex<bool>, Condvar),
    pub looked: AtomicUsize,
    pub batches: Mutex<Vec<usize>>,
}

impl Default for MockModels {
    fn default() -> Self {
        let heads = vec![
            head("au", TargetKind::Labels, &["AU01", "AU02", "AU04", "AU06", "AU12", "AU25"], 0),
            head("va", TargetKind::Continuous { units: String::new(), range: [-1.0, 1.0] }, &["valence", "arousal"], 6),
        ];
        let info = |name: &str, outputs, heads, notes| ModelInfo {
            name: name.into(),
            architecture: "vgg13".into(),
            outputs,
            heads,
            input: [1, 64, 64],
            heat_map: true,
            notes,
        };
        let classes = CLASSES.map(String::from).to_vec();
        let note = vec!["Made up: it says nothing about faces.".to_owned()];
        let list =
            vec![info("mood", classes, Vec::new(), note), info("parts", output_names(&heads), heads, Vec::new())];
        Self { list, gate: (Mutex::new(true), Condvar::new()), looked: AtomicUsize::new(0), batches: Mutex::default() }
    }
}

fn head(name: &str, kind: TargetKind, columns: &[&str], start: usize) -> Head {
    Head { name: name.into(), kind, columns: columns.iter().map(ToString::to_string).collect(), start }
}

impl MockModels {
    pub fn close(&self) {
        *self.gate.0.lock().unwrap() = false;
    }

    pub fn open(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    fn pass(&self) {
        let mut open = self.gate.0.lock().unwrap();
        while !*open {
            open = self.gate.1.wait(open).unwrap();
        }
    }
}

/// Numbers that look like answers, by a seed.
fn values(seed: f64, n: usize) -> Vec<f64> {
    (0..n).map(|i| ((seed * (i + 1) as f64 * 0.37).sin() + 1.0) / 2.0).collect()
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = values.iter().map(|v| (4.0 * v).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|v| v / sum).collect()
}

fn answer(model: usize, seed: f64) -> Vec<f64> {
    match model {
        0 => softmax(&values(seed, CLASSES.len())),
        _ => values(seed, 6).into_iter().chain(values(seed + 2.0, 2).into_iter().map(|v| 2.0 * v - 1.0)).collect(),
    }
}

fn picture(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, Fault> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let reader = reader.map_err(|e| Fault::Input(e.to_string()))?;
    if reader.format().is_none() {
        return Err(Fault::Input("it is no picture of a known form".into()));
    }
    Ok(reader)
}

impl Models for MockModels {
    fn list(&self) -> &[ModelInfo] {
        &self.list
    }

    fn finds_faces(&self) -> bool {
        true
    }

    fn refuses_videos(&self) -> Option<String> {
        None
    }

    fn dimensions(&self, bytes: &[u8]) -> Result<[u64; 2], Fault> {
        let (width, height) = picture(bytes)?.into_dimensions().map_err(|e| Fault::Input(e.to_string()))?;
        Ok([width.into(), height.into()])
    }

    fn look(&self, bytes: &[u8], _: u64) -> Result<Seen, Fault> {
        self.pass();
        self.looked.fetch_add(1, Ordering::SeqCst);
        let image = picture(bytes)?.decode().map_err(|e| Fault::Input(e.to_string()))?.into_luma8();
        let (width, height) = (image.width(), image.height());
        assert!(width != PANICS, "a picture of {PANICS} columns");
        let (w, h) = (width as f32, height as f32);
        let side = (h * 0.55).min(w * 0.3);
        let face = |x: f32| {
            let bounds = [x * w - side / 2.0, h * 0.45 - side / 2.0, x * w + side / 2.0, h * 0.45 + side / 2.0];
            let at = |dx: f32, dy: f32| [x * w + dx * side, h * 0.45 + dy * side];
            let points = vec![at(-0.2, -0.15), at(0.2, -0.15), at(0.0, 0.05), at(-0.15, 0.25), at(0.15, 0.25)];
            let intensity = json!({ "AU06": 1.2, "AU12": 3.4 });
            let mut more = Map::new();
            more.insert("pose".into(), json!({ "translation": [0.0, 0.0, 500.0], "rotation": [0.1, -0.2, 0.05] }));
            more.insert("action_units".into(), json!({ "intensity": intensity, "presence": { "AU12": true } }));
            let pixels = vec![image.as_raw().first().copied().unwrap_or(0).wrapping_add((90.0 * x) as u8); 64];
            let crop = Crop { pixels, height: 8, width: 8, channels: 1, bounds };
            Face { bounds, score: Some(0.9), points: Some(points), heads: blendshapes(), more, crop }
        };
        let faces = match width {
            EMPTY => Vec::new(),
            0..300 => vec![face(0.5)],
            _ => vec![face(0.3), face(0.7)],
        };
        Ok(Seen { width: width as usize, height: height as usize, faces, notes: Vec::new() })
    }

    fn predict(&self, model: usize, crops: &[&Crop]) -> Result<Vec<Vec<f64>>, Fault> {
        self.pass();
        self.batches.lock().unwrap().push(crops.len());
        Ok(crops.iter().map(|crop| answer(model, f64::from(crop.pixels[0]))).collect())
    }

    fn heat_map(&self, _: usize, _: &Crop, output: usize) -> Result<HeatMap, Fault> {
        let side = 24usize;
        let at = |i: usize| {
            let (x, y) = ((i % side) as f64 - 12.0, (i / side) as f64 - 8.0 - output as f64);
            (255.0 * (-(x * x + y * y) / 40.0).exp()) as u8
        };
        Ok(HeatMap { width: side, height: side, values: (0..side * side).map(at).collect() })
    }

    fn analyze(
        &self,
        video: &Path,
        out: &Path,
        options: &AnalyzeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<ResultFile>, Fault> {
        self.pass();
        let bytes = std::fs::read(video).map_err(|e| Fault::Internal(e.to_string()))?;
        if bytes.ends_with(b"no video") {
            return Err(Fault::Input("ffmpeg knows nothing of the kind".into()));
        }
        let frames: Vec<u64> = (0..120).step_by(options.every).collect();
        let mut shown = Vec::new();
        for &frame in &frames {
            watch.progress(frame, Some(120), 2 * shown.len() as u64);
            if watch.is_asked_to_stop() {
                return Err(Fault::Stopped);
            }
            std::thread::sleep(Duration::from_millis(4));
            let t = frame as f64 / 25.0;
            let said = |model: usize, seed: f64| -> Map<String, Value> {
                self.list[model]
                    .outputs
                    .iter()
                    .cloned()
                    .zip(answer(model, seed).into_iter().map(|v| json!(v)))
                    .collect()
            };
            let face = |track: usize| {
                let x = 60.0 + 90.0 * track as f64 + 10.0 * t;
                json!({ "track": track, "box": [x, 60.0, x + 80.0, 150.0], "score": 0.9,
                    "heads": { "mood": said(0, t * 3.0 + track as f64), "parts": said(1, t * 2.0 + track as f64) } })
            };
            let faces: Vec<Value> = if frame == 60 { Vec::new() } else { (0..2).map(face).collect() };
            shown.push(json!({ "frame": frame, "time": t, "faces": faces }));
        }
        let results = json!({ "format": "ferrotype analysis", "version": 1, "video": { "path": options.name, "width": 320, "height": 240, "frames": 120 },
            "heads": [], "tracks": [{ "track": 0, "frames": 23 }, { "track": 1, "frames": 23 }], "frames": shown });
        let write = |name: &str, text: &str, media_type| -> Result<ResultFile, Fault> {
            let path = out.join(name);
            std::fs::create_dir_all(out)
                .and_then(|()| std::fs::write(&path, text))
                .map_err(|e| Fault::Internal(e.to_string()))?;
            Ok(ResultFile { name: name.into(), path, media_type })
        };
        Ok(vec![
            write("results.json", &results.to_string(), "application/json")?,
            write("frames.csv", "frame,face\n", "text/csv; charset=utf-8")?,
            write("report.html", "<h1>A report</h1>", "text/html; charset=utf-8")?,
        ])
    }
}

/// What a part says beside the models.
fn blendshapes() -> Map<String, Value> {
    let said = json!({ "mouthSmileLeft": 0.8, "jawOpen": 0.3, "browDownLeft": 0.001 });
    Map::from_iter([("blendshapes".to_owned(), said)])
}
