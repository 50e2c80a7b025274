//! `ferrotype data prepare faces`: the faces of a video, person by person.

mod emotions;
mod pictures;
mod scanner;
mod units;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::commands::inputs::Inputs;
use crate::commands::models::hub::{of_flag, of_option};
use ferrotype_anomaly::cluster::{ClusterOptions, Method, persons};
use ferrotype_anomaly::people::{self, People, Sequence};
use ferrotype_anomaly::source::read_rows;
use ferrotype_anomaly::table::timecode;
use ferrotype_data::Images;
use ferrotype_run::program::command_line;

use emotions::Emotions;
use scanner::{Face, FaceScanner, Seen};
use units::Units;

/// Pixels per side of the aligned faces, where no embedder says otherwise.
const SIDE: usize = 112;

/// Find the faces of a video, tell the persons apart, and write their features frame by frame.
#[derive(Clone, Debug, Args)]
pub struct FacesCommand {
    /// The video.
    #[arg(long, value_name = "FILE")]
    video: PathBuf,
    /// The ONNX file of a face detector, YuNet or UltraFace, or a published model by its name: yunet.
    #[arg(long, value_name = "ONNX")]
    detector: PathBuf,
    /// The ONNX file of a landmark network (PFLD, 68 points), or a name: pfld68; YuNet finds the eyes without it.
    #[arg(long, value_name = "ONNX")]
    landmarks: Option<PathBuf>,
    /// The ONNX file of an identity embedding, or a name: mobilefacenet; without it a person is a track of faces.
    #[arg(long, value_name = "ONNX")]
    embedder: Option<PathBuf>,
    /// A run whose network gives each face the probabilities of its classes.
    #[arg(long, value_name = "RUN")]
    emotions: Option<PathBuf>,
    /// A table of further features by frame, such as action units: columns `frame`, perhaps `timestamp` (it decides), and one
    /// per feature. OpenFace's frames are counted from 1, all others from 0. With boxes or landmarks, each face has its own rows.
    #[arg(long, value_name = "CSV")]
    units: Option<PathBuf>,
    /// A table whose columns `frame` and `anomaly` (0, 1 or a word) say what is wrong in which frame, to measure with; its
    /// other columns are not read as features.
    #[arg(long, value_name = "CSV")]
    truth: Option<PathBuf>,
    /// The faces are synthetic, not photographed: reports say so, and may show them when published.
    #[arg(long)]
    synthetic: bool,
    /// Frames per second that are looked at, chosen by time; 0 looks at all.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Smallest score of a face, 0 to 1.
    #[arg(long, default_value_t = 0.8)]
    min_score: f32,
    /// Smallest width of a face in pixels.
    #[arg(long, default_value_t = 32.0)]
    min_face: f32,
    /// How the embeddings of --embedder tell persons apart; `dbscan` by default.
    #[arg(long, value_enum)]
    cluster: Option<Method>,
    /// DBSCAN: largest cosine distance of neighbours; 0.3 by default.
    #[arg(long)]
    eps: Option<f64>,
    /// DBSCAN: neighbours, itself included, that make a face the core of a person; 5 by default.
    #[arg(long)]
    min_samples: Option<usize>,
    /// K-means: largest number of persons that is tried; 10 by default.
    #[arg(long)]
    most_persons: Option<usize>,
    /// Where `aligned_faces` and `organized_faces/person_k` are written [default: the folder of --out].
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// Write no pictures.
    #[arg(long, conflicts_with = "pictures")]
    no_pictures: bool,
}

impl FacesCommand {
    /// Puts the files of published models in the place of their names.
    ///
    /// # Errors
    /// When one cannot be had.
    pub fn resolve(&mut self) -> Result<()> {
        self.detector = of_flag("--detector", &self.detector)?;
        of_option("--landmarks", &mut self.landmarks)?;
        of_option("--embedder", &mut self.embedder)
    }

    /// What it reads.
    pub fn inputs(&self) -> Inputs {
        let files = [Some(&self.video), Some(&self.detector), self.landmarks.as_ref(), self.embedder.as_ref()];
        let tables = [self.units.as_ref(), self.truth.as_ref()];
        let inputs = Inputs::new().paths("an input", files.into_iter().chain(tables).flatten());
        self.emotions.iter().fold(inputs, |all, run| all.run(run))
    }

    /// Writes `out` and the pictures; gives a few lines on what was found.
    ///
    /// # Errors
    /// When an option is impossible, a file cannot be used, or no face is found.
    pub fn prepare(&self, out: &Path) -> Result<String> {
        ensure!(self.rate.is_finite() && self.rate >= 0.0, "--rate is {}: it must be at least 0", self.rate);
        ensure!(self.min_face >= 8.0, "--min-face is {}: it must be at least 8 pixels", self.min_face);
        let clustering = self.clustering()?;
        let scanner = FaceScanner::open(self)?;
        let emotions = self.emotions.as_deref().map(Emotions::open).transpose()?;
        let began = Instant::now();
        let scanned = scanner.watch(&self.video, (self.rate > 0.0).then_some(self.rate), emotions.as_ref())?;
        let seconds = began.elapsed().as_secs_f64();
        let faces: usize = scanned.frames.iter().map(|f| f.faces.len()).sum();
        if faces == 0 {
            bail!(
                "no face was found in any of the {} frames of {} that were looked at (--min-score {}, --min-face {}): look at \
                 a frame, or try a lower --min-score",
                scanned.frames.len(),
                self.video.display(),
                self.min_score,
                self.min_face
            );
        }
        let names = emotions.map(|e| e.names().to_vec()).unwrap_or_default();
        let (people, left) = self.people(&scanned.frames, names, &clustering)?;
        people::write(&people, out)?;
        if !self.no_pictures {
            let beside = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            pictures::write(self.pictures.as_deref().unwrap_or(beside), &people)?;
        }
        Ok(self.told(out, &scanned, &people, faces, &left, seconds))
    }

    /// How embeddings are clustered.
    ///
    /// # Errors
    /// When an option is given that nothing would look at.
    fn clustering(&self) -> Result<ClusterOptions> {
        let usual = ClusterOptions::default();
        let method = self.cluster.unwrap_or(usual.method);
        let given = [
            ("--cluster", self.cluster.is_some(), method),
            ("--eps", self.eps.is_some(), Method::Dbscan),
            ("--min-samples", self.min_samples.is_some(), Method::Dbscan),
            ("--most-persons", self.most_persons.is_some(), Method::Kmeans),
        ];
        for (flag, _, of) in given.into_iter().filter(|(_, is_given, _)| *is_given) {
            ensure!(
                self.embedder.is_some(),
                "{flag} tells persons apart by their embeddings, and there are none: add --embedder, or leave it out \
                 (without one a person is a track of faces)"
            );
            let name = format!("{of:?}").to_lowercase();
            ensure!(of == method, "{flag} is for --cluster {name}: choose that, or leave it out");
        }
        Ok(ClusterOptions {
            method,
            eps: self.eps.unwrap_or(usual.eps),
            min_samples: self.min_samples.unwrap_or(usual.min_samples),
            most: self.most_persons.unwrap_or(usual.most),
        })
    }

    /// The faces of each person in order of time, and which faces are left out.
    fn people(
        &self,
        frames: &[Seen],
        emotion_names: Vec<String>,
        clustering: &ClusterOptions,
    ) -> Result<(People, LeftOut)> {
        let all: Vec<(&Seen, &Face)> = frames.iter().flat_map(|f| f.faces.iter().map(move |face| (f, face))).collect();
        let labels = labels(&all, clustering)?;
        let count = labels.iter().flatten().max().map_or(0, |m| m + 1);
        let units = self.units.as_deref().map(|path| Units::read(path, &self.video)).transpose()?;
        let truth = self.truth.as_deref().map(Truth::read).transpose()?;
        let mut people = People {
            video: self.video.display().to_string(),
            command: command_line(),
            synthetic: self.synthetic,
            truth_names: truth.as_ref().map(|t| t.names.clone()).unwrap_or_default(),
            emotion_names,
            unit_names: units.as_ref().map(|u| u.names.clone()).unwrap_or_default(),
            persons: vec![Sequence::default(); count],
        };
        let mut left = LeftOut { units_lost: units.as_ref().map_or(0, |u| u.lost), ..LeftOut::default() };
        let side = all[0].1.side();
        people.persons.iter_mut().for_each(|p| {
            p.faces = Images { pixels: Vec::new(), height: side, width: side, channels: 3 };
        });
        let nothing = || frames.iter().map(|frame| vec![Some(&[][..]); frame.faces.len()]).collect();
        let values: Vec<Vec<Option<&[f32]>>> = units.as_ref().map_or_else(nothing, |units| units.of(frames));
        for (((frame, face), label), values) in all.iter().zip(&labels).zip(values.into_iter().flatten()) {
            let Some(k) = label else {
                left.nobody += 1;
                continue;
            };
            let Some(values) = values else {
                left.without_units += 1;
                continue;
            };
            let person = &mut people.persons[*k];
            // Two faces of one person in a frame: the larger, which comes first, is taken.
            if person.frames.last() == Some(&(frame.number as u32)) {
                left.twice += 1;
                continue;
            }
            person.frames.push(frame.number as u32);
            person.times.push(frame.time);
            let b = &face.bounds;
            person.boxes.extend([b.left, b.top, b.right, b.bottom]);
            person.embeddings.extend(&face.embedding);
            person.emotions.extend(&face.emotions);
            person.units.extend(values);
            person.truth.extend(truth.as_ref().map(|t| t.of(frame.number)));
            person.faces.pixels.extend(&face.pixels);
        }
        people.persons.retain(|p| !p.frames.is_empty());
        people.persons.sort_by_key(|p| std::cmp::Reverse(p.frames.len()));
        ensure!(
            !people.persons.is_empty(),
            "the table of units has a row for none of the frames with faces: its times (or, without times, its frames) are \
             those of another video, or its faces stand elsewhere in the picture"
        );
        Ok((people, left))
    }

    fn told(
        &self,
        out: &Path,
        scanned: &scanner::ScannedVideo,
        people: &People,
        faces: usize,
        left: &LeftOut,
        seconds: f64,
    ) -> String {
        let n = scanned.frames.len();
        let with: Vec<usize> = (0..=scanned.frames.iter().map(|f| f.faces.len()).max().unwrap_or(0))
            .map(|k| scanned.frames.iter().filter(|f| f.faces.len() == k).count())
            .collect();
        let counts: Vec<String> =
            with.iter().enumerate().filter(|(_, c)| **c > 0).map(|(k, c)| format!("{k} in {c}")).collect();
        let mut text = format!(
            "{}: {faces} faces in {n} frames ({} decoded), {:.1} frames/s; faces per frame: {}\n",
            out.display(),
            scanned.log.frames,
            n as f64 / seconds.max(1e-9),
            counts.join(", ")
        );
        for (i, p) in people.persons.iter().enumerate() {
            text += &format!(
                "person {}: {} frames, {} to {}\n",
                i + 1,
                p.frames.len(),
                timecode(p.times[0]),
                timecode(p.times[p.times.len() - 1])
            );
        }
        for (count, why) in [
            (left.nobody, "belong to nobody: too few alike"),
            (left.twice, "are second faces of a person in one frame (a smaller --eps tells more persons apart)"),
            (left.without_units, "have no row in the table of units"),
        ] {
            if count > 0 {
                text += &format!("note: {count} faces {why}\n");
            }
        }
        if left.units_lost > 0 {
            text += &format!("note: {} rows of the table of units have no face and were left out\n", left.units_lost);
        }
        scanned.log.note().into_iter().for_each(|note| text += &format!("warning: {note}\n"));
        text
    }
}

/// The person of each face: by its embedding, or by its track.
fn labels(faces: &[(&Seen, &Face)], clustering: &ClusterOptions) -> Result<Vec<Option<usize>>> {
    let size = faces[0].1.embedding.len();
    if size > 0 {
        let rows: Vec<f32> = faces.iter().flat_map(|(_, f)| &f.embedding).copied().collect();
        return persons(&rows, size, clustering);
    }
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for (_, face) in faces {
        match counts.iter_mut().find(|(track, _)| *track == face.track) {
            Some((_, n)) => *n += 1,
            None => counts.push((face.track, 1)),
        }
    }
    counts.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    Ok(faces.iter().map(|(_, f)| counts.iter().position(|(track, _)| *track == f.track)).collect())
}

/// Faces that are in no person's sequence.
#[derive(Default)]
struct LeftOut {
    nobody: usize,
    twice: usize,
    without_units: usize,
    /// Rows of the table of units without a face: of the whole table, where it has several videos.
    units_lost: usize,
}

/// What is wrong in which frame.
struct Truth {
    names: Vec<String>,
    frames: Vec<u64>,
    codes: Vec<u8>,
}

impl Truth {
    fn read(path: &Path) -> Result<Self> {
        let mut table = read_rows(path).context("--truth")?;
        ensure!(table.has_truth, "{} has no column `anomaly`", path.display());
        table.rows.sort_by_key(|row| row.place.frame);
        let mut names: Vec<String> = table.rows.iter().map(|row| row.truth.clone()).filter(|w| !w.is_empty()).collect();
        names.sort();
        names.dedup();
        ensure!(names.len() < 255, "{} knows {} kinds of anomalies: at most 254", path.display(), names.len());
        let code = |word: &String| names.iter().position(|n| n == word).map_or(0, |i| i as u8 + 1);
        let codes = table.rows.iter().map(|row| code(&row.truth)).collect();
        Ok(Self { codes, frames: table.rows.iter().map(|row| row.place.frame as u64).collect(), names })
    }

    fn of(&self, frame: usize) -> u8 {
        self.frames.binary_search(&(frame as u64)).map_or(0, |row| self.codes[row])
    }
}
