//! The parsers of outside bytes. To add one: one line here, and examples in `corpus/<name>`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use ferrotype::anomaly::{people, source as features};
use ferrotype::clips;
use ferrotype::config::{self, Experiment};
use ferrotype::data::clips::store as clip_store;
use ferrotype::data::options::SourceOptions;
use ferrotype::data::picture::MAX_PIXELS;
use ferrotype::data::{sources, store, template};
use ferrotype::faces::{Detector, Embedder, Landmarker, OpenFaceTable, Photo};
use ferrotype::import;
use ferrotype::real_fake::frame_table::{self, TableKind, TableOptions};
use ferrotype::real_fake::sources::{self as real_fake, RealFakeSource};
use ferrotype::report::{predictions, read_metrics};
use ferrotype::reproduction::Mark;
use ferrotype::run::group::{Group, parse_values};
use ferrotype::run::history::History;
use ferrotype::training::checkpoint::Checkpoint;
use ferrotype::video;
use ferrotype_base::{npy, zip};
use ferrotype_classic::boosting::Boosting;
use ferrotype_classic::logistic::Logistic;
use ferrotype_classic::model::from_json;
use ferrotype_classic::svm::libsvm::LibsvmModel;
use ferrotype_hub::Entry;
use ferrotype_sweep::study::journal;
use serde_json::{Value, json};

use crate::examples;
use crate::repair::{self, Repair};

/// A parser, and how bytes come to it.
pub struct Target {
    /// Its name, and its folder's in the corpus.
    pub name: &'static str,
    /// The path, below a folder of its own, at which the parser finds the bytes.
    pub file: &'static str,
    /// Hands the bytes over; whether they were taken in. Errors are what parsers are for; panics are not.
    pub parse: fn(&[u8], &Place) -> bool,
    /// Mends checksums of mutated files.
    pub repair: Option<Repair>,
}

/// Where a parser that takes a path finds its file, with what belongs beside it.
pub struct Place {
    /// The folder.
    pub root: PathBuf,
    /// The file that is written anew for every input.
    pub file: PathBuf,
}

impl Place {
    /// Makes the folder with the pictures and tables that files name.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn new(root: &Path, file: &str) -> Result<Self> {
        examples::surroundings(root)?;
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().context("a file in a folder")?)?;
        Ok(Self { root: root.to_path_buf(), file })
    }

    /// Puts the bytes there. Panics where that fails: the disk is full, which is no finding.
    fn put(&self, bytes: &[u8]) -> &Path {
        std::fs::write(&self.file, bytes).expect("the folder for inputs can be written");
        &self.file
    }

    /// Prepares a source whose options name the file or its folder.
    fn prepare(&self, bytes: &[u8], source: Value) -> bool {
        self.put(bytes);
        let source: SourceOptions = serde_json::from_value(source).expect("options of a source");
        sources::prepare(&source, &self.root.join("out.h5"), "fuzz").is_ok()
    }

    /// Reads the annotations of a source of clips; whether they name one that there is.
    fn plan(&self, bytes: &[u8], source: Value) -> bool {
        self.put(bytes);
        let source: SourceOptions = serde_json::from_value(source).expect("options of a source");
        clips::plan(&source).is_ok_and(|plan| !plan.jobs.is_empty())
    }

    /// Reads the coding sheet of a source of micro-expressions.
    fn micro(&self, bytes: &[u8], source: Value) -> bool {
        self.put(bytes);
        let source: SourceOptions = serde_json::from_value(source).expect("options of a source");
        sources::micro::plan(&source).is_ok()
    }

    /// Reads a source of the system real_fake.
    fn real_fake(&self, bytes: &[u8], source: Value) -> bool {
        self.put(bytes);
        let source: RealFakeSource = serde_json::from_value(source).expect("options of a source");
        real_fake::read(&source, 0.5).is_ok()
    }
}

const fn target(name: &'static str, file: &'static str, parse: fn(&[u8], &Place) -> bool) -> Target {
    Target { name, file, parse, repair: None }
}

const fn mended(name: &'static str, file: &'static str, repair: Repair, parse: fn(&[u8], &Place) -> bool) -> Target {
    Target { name, file, parse, repair: Some(repair) }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("yaml", "experiment.yaml", |b, p| config::load_any(p.put(b), &[]).is_ok()),
    target("set", "unused", |b, _| config::with_sets("experiment", experiment(), &lines(b)).is_ok()),
    target("sweep", "sweep.yaml", |b, p| config::load_sweep(p.put(b)).is_ok()),
    target("hub_entry", "unused", |b, _| Entry::from_yaml("entry.yaml", &text(b)).is_ok()),
    target("seeds", "unused", |b, _| parse_values(&text(b)).is_ok()),
    target("manifest", "manifest.csv", |b, p| p.prepare(b, json!({"manifest": {"csv": p.file, "size": 8}}))),
    target("fer2013", "table.csv", |b, p| p.prepare(b, json!({"fer2013": {"csv": p.file}}))),
    target("votes", "votes.csv", |b, p| {
        p.prepare(b, json!({"ferplus": {"csv": p.root.join("fer2013.csv"), "votes": [p.file]}}))
    }),
    target("rafdb", "EmoLabel/list_patition_label.txt", |b, p| {
        p.prepare(b, json!({"rafdb": {"root": p.root, "size": 8, "skip_bad": true}}))
    }),
    target("affectnet", "val_set/annotations/0_exp.npy", |b, p| p.prepare(b, json!({"affectnet": {"root": p.root}}))),
    target("affectnet_list", "lists/training.csv", |b, p| {
        let options = json!({"root": p.root.join("lists"), "size": 8, "targets": true, "crop": true, "skip_bad": true});
        p.prepare(b, json!({"affectnet": options}))
    }),
    target("disfa", "ActionUnit_Labels/SN001/SN001_au12.txt", |b, p| {
        p.prepare(b, json!({"disfa": {"root": p.root, "size": 8}}))
    }),
    target("bp4d", "AU_OCC/F001_T1.csv", |b, p| {
        p.prepare(b, json!({"bp4d": {"root": p.root, "size": 8, "units": [1]}}))
    }),
    target("ck_plus", "FACS/S005/001/S005_001_00000001_facs.txt", |b, p| {
        p.prepare(b, json!({"ck_plus": {"root": p.root, "size": 8}}))
    }),
    target("afew_va", "001/001.json", |b, p| {
        p.prepare(b, json!({"afew_va": {"root": p.root, "size": 8, "crop": true, "skip_bad": true}}))
    }),
    target("aff_wild2", "VA_Estimation_Challenge/Train_Set/v.txt", |b, p| {
        p.prepare(b, json!({"aff_wild2": {"root": p.root, "size": 8}}))
    }),
    mended("png", "folder/happy/0.png", repair::png, picture),
    target("jpeg", "folder/happy/0.jpg", picture),
    target("picture", "folder/happy/0.png", picture),
    target("clip_labels", "labels.csv", |b, p| {
        p.plan(b, json!({"clips": {"videos": p.root.join("videos"), "labels": p.file}}))
    }),
    target("annotations", "annotations.csv", |b, p| {
        p.plan(b, json!({"baum1a": {"root": p.root, "annotations": p.file}}))
    }),
    target("coding_sheet", "micro/CASME2-coding.csv", |b, p| {
        p.micro(b, json!({"casme2": {"root": p.root.join("micro"), "sheet": p.file, "cropped": true}}))
    }),
    target("features", "features.csv", |b, p| features::read_csv(p.put(b)).and_then(|table| table.check()).is_ok()),
    target("openface", "openface.csv", |b, p| OpenFaceTable::read(p.put(b)).is_ok()),
    target("frame_table", "frames.csv", |b, p| {
        let options = TableOptions { kind: TableKind::Auto, rate: 30.0, min_score: 0.0, max_gap: 0.5 };
        frame_table::read(p.put(b), &options).is_ok()
    }),
    target("summary_table", "summary.csv", |b, p| p.real_fake(b, json!({"summary_table": {"training": p.file}}))),
    target("truth_labels", "truth.csv", |b, p| {
        p.real_fake(b, json!({"au_tables": {"root": p.root.join("tables"), "labels": p.file}}))
    }),
    target("npy", "unused", |b, _| npy::read(b).is_ok()),
    mended("npz", "features.zip", repair::zip, |b, p| p.real_fake(b, json!({"descriptors": {"path": p.file}}))),
    mended("zip", "unused", repair::zip, |b, _| {
        let members = zip::members(b).unwrap_or_default();
        members.iter().take(64).filter(|member| member.content(1 << 20).is_ok()).count() > 0
    }),
    mended("faces_h5", "faces.h5", repair::hdf5, |b, p| {
        store::summary(p.put(b)).is_ok() & store::read(&p.file).is_ok()
    }),
    mended("clips_h5", "clips.h5", repair::hdf5, |b, p| clip_store::read(p.put(b), None).is_ok()),
    mended("people_h5", "people.h5", repair::hdf5, |b, p| people::read_person(p.put(b), 1).is_ok()),
    mended("keras", "weights.h5", repair::hdf5, |b, p| import::read(p.put(b)).is_ok()),
    mended("keras_archive", "weights.keras", repair::zip, |b, p| import::read(p.put(b)).is_ok()),
    mended("safetensors", "weights.safetensors", repair::safetensors, |b, p| import::read(p.put(b)).is_ok()),
    mended("torch", "weights.pt", repair::zip, |b, p| import::read(p.put(b)).is_ok()),
    mended("checkpoint", "last.safetensors", repair::safetensors, |b, p| Checkpoint::load(p.put(b)).is_ok()),
    target("detector", "detector.onnx", |b, p| {
        let found = Detector::open(p.put(b))
            .and_then(|detector| detector.detect(&Photo::new(vec![90; 24 * 20 * 3], 24, 20, 3)?.picture()));
        found.is_ok() | Embedder::open(&p.file).is_ok() | Landmarker::open(&p.file).is_ok()
    }),
    target("libsvm", "unused", |b, _| LibsvmModel::parse(&text(b)).and_then(|model| model.plane(1, 4)).is_ok()),
    target("classic_json", "unused", |b, _| {
        from_json::<Logistic>(&text(b)).is_ok() | from_json::<Boosting>(&text(b)).is_ok()
    }),
    target("history", "metrics.jsonl", |b, p| History::read(p.put(b)).is_ok_and(|h| !h.steps.is_empty())),
    target("journal", "journals/worker.jsonl", |b, p| {
        p.put(b);
        journal::read_all(&p.root.join("journals")).is_ok_and(|(lines, _)| !lines.is_empty())
    }),
    target("run_json", "run/group.json", |b, p| {
        let path = p.put(b);
        let folder = p.root.join("run");
        std::fs::write(Mark::file(&folder), b).expect("the folder for inputs can be written");
        read_metrics(path).is_ok()
            | template::FaceTemplate::load(path).is_ok()
            | config::frozen_from_yaml("sweep", &text(b)).is_ok()
            | Group::open(&folder).is_ok()
            | Mark::open(&folder).is_ok()
    }),
    target("predictions", "predictions.csv", |b, p| {
        predictions::read(p.put(b)).is_ok() & predictions::read_decisions(&p.file).is_ok()
    }),
    target("clips_csv", "clips.csv", |b, p| ferrotype::real_fake::results::read(p.put(b)).is_ok()),
    target("ffmpeg_log", "unused", |b, _| {
        lines(b).iter().filter(|line| !matches!(video::understand(line), video::Line::Other)).count() > 0
    }),
];

/// A picture as training reads it and as prediction does.
fn picture(bytes: &[u8], place: &Place) -> bool {
    place.prepare(bytes, json!({"folder": {"root": place.root.join("folder"), "size": 16}}))
        & Photo::decode(bytes, MAX_PIXELS).is_ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    text(bytes).lines().map(str::to_owned).collect()
}

/// The experiment that settings are laid over.
fn experiment() -> &'static Experiment {
    static EXPERIMENT: OnceLock<Experiment> = OnceLock::new();
    EXPERIMENT.get_or_init(|| config::from_yaml_str("experiment", examples::EXPERIMENT).expect("an experiment"))
}
