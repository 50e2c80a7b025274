//! `faces.h5`: the faces of a video, person by person, frame by frame. `docs/anomalies.md` describes the layout.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdf5_pure::{AttrValue, Dataset, File, FileBuilder};

use super::table::{Column, ColumnKind, FeatureTable};
use ferrotype_data::Images;
use ferrotype_data::store::read_within;
use ferrotype_run::files::write_atomic_with;

/// The value of the attribute `format`.
const FORMAT: &str = "ferrotype-face-sequences";
const VERSION: i64 = 1;
const DEFLATE: u32 = 4;
/// Rows per chunk.
const CHUNK: usize = 64;

/// Faces of one person in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Number of each frame in the video.
    pub frames: Vec<u32>,
    /// Seconds of each frame.
    pub times: Vec<f64>,
    /// Left, top, right and bottom of the face in the frame, `[faces, 4]`.
    pub boxes: Vec<f32>,
    /// Identity embeddings, `[faces, size]`; none without an embedder.
    pub embeddings: Vec<f32>,
    /// Probabilities, `[faces, emotions]`; none without a run.
    pub emotions: Vec<f32>,
    /// Action units, `[faces, units]`; none without a table of them.
    pub units: Vec<f32>,
    /// What is wrong with each frame, where that is known: 0 for nothing, else one more than the place in
    /// [`People::truth_names`].
    pub truth: Vec<u8>,
    /// The aligned faces, RGB.
    pub faces: Images,
}

/// The people of a video.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// The video.
    pub video: String,
    /// How the file was made.
    pub command: String,
    /// Whether the faces are drawn.
    pub synthetic: bool,
    /// Names of the emotions.
    pub emotion_names: Vec<String>,
    /// Names of the action units.
    pub unit_names: Vec<String>,
    /// What can be wrong with a frame, where that is known.
    pub truth_names: Vec<String>,
    /// The person with most faces first.
    pub persons: Vec<Sequence>,
}

/// Writes the file.
///
/// # Errors
/// When it cannot be written; nothing is left behind.
pub fn write(people: &People, path: &Path) -> Result<()> {
    let builder = build(people).map_err(|e| anyhow!("cannot lay out {}: {e}", path.display()))?;
    write_atomic_with(path, |out| match builder.finish_to(out) {
        Err(hdf5_pure::Error::Io(cause)) => Err(cause.into()),
        other => Ok(other?),
    })
}

fn build(people: &People) -> Result<FileBuilder, hdf5_pure::FormatError> {
    let mut b = FileBuilder::new();
    for (i, person) in people.persons.iter().enumerate() {
        let at = |name: &str| format!("person_{}_{name}", i + 1);
        let n = person.frames.len();
        let chunk = CHUNK.min(n) as u64;
        b.create_dataset(&at("frame")).with_u32_data(&person.frames).with_chunks(&[chunk]).with_deflate(DEFLATE);
        b.create_dataset(&at("time")).with_f64_data(&person.times).with_chunks(&[chunk]).with_deflate(DEFLATE);
        let tables = [
            ("box", &person.boxes),
            ("embedding", &person.embeddings),
            ("emotion", &person.emotions),
            ("unit", &person.units),
        ];
        for (name, values) in tables.into_iter().filter(|(_, values)| !values.is_empty()) {
            let width = (values.len() / n) as u64;
            b.create_dataset(&at(name))
                .with_f32_data(values)
                .with_shape(&[n as u64, width])
                .with_chunks(&[chunk, width])
                .with_deflate(DEFLATE);
        }
        if !person.truth.is_empty() {
            b.create_dataset(&at("truth")).with_u8_data(&person.truth).with_chunks(&[chunk]).with_deflate(DEFLATE);
        }
        let f = &person.faces;
        let frame = [f.height as u64, f.width as u64, f.channels as u64];
        b.create_dataset(&at("face"))
            .with_u8_data(&f.pixels)
            .with_shape(&[n as u64, frame[0], frame[1], frame[2]])
            .with_chunks(&[chunk, frame[0], frame[1], frame[2]])
            .with_shuffle()
            .with_deflate(DEFLATE);
    }
    b.set_attr("format", AttrValue::VarLenString(FORMAT.into()));
    b.set_attr("schema_version", AttrValue::I64(VERSION));
    b.set_attr("persons", AttrValue::I64(people.persons.len() as i64));
    b.set_attr("video", AttrValue::VarLenString(people.video.clone()));
    b.set_attr("command", AttrValue::VarLenString(people.command.clone()));
    b.set_attr("synthetic", AttrValue::I64(i64::from(people.synthetic)));
    b.set_attr("emotions", AttrValue::VarLenString(people.emotion_names.join("\n")));
    b.set_attr("units", AttrValue::VarLenString(people.unit_names.join("\n")));
    b.set_attr("truth", AttrValue::VarLenString(people.truth_names.join("\n")));
    b.set_attr("complete", AttrValue::I64(1));
    Ok(b)
}

/// A person's table of features: embedding, emotions and action units, with the faces.
///
/// # Errors
/// When the file is missing, damaged or of another kind, or has no such person.
pub fn read_person(path: &Path, person: usize) -> Result<FeatureTable> {
    let shown = path.display();
    ensure!(
        path.is_file(),
        "{shown} does not exist: make it with `ferrotype data prepare faces --video VIDEO --out {shown}`"
    );
    ferrotype_base::lfs::refuse_file(path)?;
    let file = File::open(path).map_err(|e| anyhow!("{shown} cannot be read as HDF5: {e}"))?;
    let attributes = file.root().attrs().map_err(|e| anyhow!("{shown} is damaged: {e}"))?;
    let text = |name: &str| match attributes.get(name) {
        Some(AttrValue::String(text) | AttrValue::VarLenString(text)) => text.clone(),
        _ => String::new(),
    };
    let number = |name: &str| match attributes.get(name) {
        Some(AttrValue::I64(n)) => *n,
        _ => 0,
    };
    ensure!(
        text("format") == FORMAT && number("complete") == 1 && number("schema_version") == VERSION,
        "{shown} is not a whole file of faces person by person: make it again with `ferrotype data prepare faces`"
    );
    let persons = number("persons") as usize;
    if person == 0 || person > persons {
        bail!("{shown} has {persons} persons, 1 to {persons}; the experiment asks for person {person}");
    }
    let list = |name: &str| text(name).lines().map(str::to_owned).collect::<Vec<String>>();
    let read = || read_sequence(&file, person);
    let sequence =
        read().with_context(|| format!("{shown} is damaged: make it again with `ferrotype data prepare faces`"))?;
    let names = Names { emotions: list("emotions"), units: list("units"), truth: list("truth") };
    assemble(sequence, &names, number("synthetic") == 1)
}

fn read_sequence(file: &File, person: usize) -> Result<Sequence> {
    let at = |name: &str| format!("person_{person}_{name}");
    let plain = |e: hdf5_pure::Error| anyhow!("{e}");
    let length = file.file_size();
    let table = |name: &str| match file.dataset(&at(name)) {
        Ok(data) => read_within(&data, length, Dataset::read_f32),
        // What was not asked for when the file was made is not in it.
        Err(_) => Ok(Vec::new()),
    };
    let faces = file.dataset(&at("face")).map_err(plain)?;
    let shape = faces.shape().map_err(plain)?;
    ensure!(shape.len() == 4, "the faces of person {person} have {} dimensions, not 4", shape.len());
    Ok(Sequence {
        frames: read_within(&file.dataset(&at("frame")).map_err(plain)?, length, Dataset::read_u32)?,
        times: read_within(&file.dataset(&at("time")).map_err(plain)?, length, Dataset::read_f64)?,
        boxes: table("box")?,
        embeddings: table("embedding")?,
        emotions: table("emotion")?,
        units: table("unit")?,
        truth: match file.dataset(&at("truth")) {
            Ok(data) => read_within(&data, length, Dataset::read_u8)?,
            Err(_) => Vec::new(),
        },
        faces: Images {
            pixels: read_within(&faces, length, Dataset::read_u8)?,
            height: shape[1] as usize,
            width: shape[2] as usize,
            channels: shape[3] as usize,
        },
    })
}

/// The names that the file gives its columns.
struct Names {
    emotions: Vec<String>,
    units: Vec<String>,
    truth: Vec<String>,
}

fn assemble(s: Sequence, names: &Names, synthetic: bool) -> Result<FeatureTable> {
    let Names { emotions, units, .. } = names;
    let n = s.frames.len();
    ensure!(n > 0 && s.times.len() == n && s.faces.len() == n, "frames, times and faces of a person differ in number");
    let size = s.embeddings.len() / n;
    ensure!(
        s.embeddings.len() == n * size
            && s.emotions.len() == n * if s.emotions.is_empty() { 0 } else { emotions.len() },
        "embeddings or emotions of a person do not fit the number of its {n} faces"
    );
    let column = |name: String, kind| Column { name, kind };
    let mut columns: Vec<Column> =
        (0..size).map(|i| column(format!("Raw_Embedding_{i}"), ColumnKind::Embedding)).collect();
    let parts = [(&s.emotions, emotions, ColumnKind::Emotion), (&s.units, units, ColumnKind::Feature)];
    for (values, names, kind) in parts {
        if !values.is_empty() {
            columns.extend(names.iter().map(|name| column(name.clone(), kind)));
        }
    }
    ensure!(
        !columns.is_empty(),
        "the file holds faces but no features of them: make it again with --embedder, --emotions or --units"
    );
    let wrong = |&code: &u8| match code {
        0 => Ok(String::new()),
        k => names.truth.get(usize::from(k) - 1).cloned().context("a frame's truth has no name"),
    };
    let truth = s.truth.iter().map(wrong).collect::<Result<Vec<String>>>()?;
    ensure!(truth.is_empty() || truth.len() == n, "the truth of a person has {} frames, not {n}", truth.len());
    let row = |values: &[f32], i: usize| values[i * values.len() / n..(i + 1) * values.len() / n].to_vec();
    let values = (0..n).flat_map(|i| [row(&s.embeddings, i), row(&s.emotions, i), row(&s.units, i)].concat()).collect();
    Ok(FeatureTable {
        frames: s.frames.iter().map(|&f| u64::from(f)).collect(),
        times: s.times,
        columns,
        values,
        truth: (!truth.is_empty()).then_some(truth),
        faces: Some(s.faces),
        synthetic,
        lost: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let sequence = |n: usize| Sequence {
            frames: (0..n as u32).collect(),
            times: (0..n).map(|i| i as f64 / 10.0).collect(),
            boxes: vec![1.0; 4 * n],
            embeddings: (0..3 * n).map(|i| i as f32).collect(),
            emotions: (0..2 * n).map(|i| i as f32 / 100.0).collect(),
            units: Vec::new(),
            truth: (0..n as u8).map(|i| i % 2).collect(),
            faces: Images { pixels: (0..n * 12).map(|i| i as u8).collect(), height: 2, width: 2, channels: 3 },
        };
        People {
            video: "a.mp4".into(),
            emotion_names: vec!["happy".into(), "sad".into()],
            truth_names: vec!["freeze".into()],
            persons: vec![sequence(5), sequence(2)],
            ..People::default()
        }
    }

    #[test]
    fn a_person_comes_back_as_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faces.h5");
        write(&people(), &path).unwrap();
        let table = read_person(&path, 1).unwrap();
        table.check().unwrap();
        let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["Raw_Embedding_0", "Raw_Embedding_1", "Raw_Embedding_2", "happy", "sad"]);
        assert_eq!(table.values[5..10], [3.0, 4.0, 5.0, 0.02, 0.03]);
        assert_eq!(table.faces.unwrap().get(1)[0], 12);
        assert_eq!(table.truth.unwrap(), ["", "freeze", "", "freeze", ""]);
        assert_eq!(read_person(&path, 2).unwrap().len(), 2);
        let message = read_person(&path, 3).unwrap_err().to_string();
        assert!(message.contains("has 2 persons"), "{message}");
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faces.h5");
        let missing = read_person(&path, 1).unwrap_err().to_string();
        assert!(missing.contains("does not exist") && missing.contains("data prepare faces"), "{missing}");
        write(&people(), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(read_person(&path, 1).is_err());
        let mut bare = people();
        bare.persons.iter_mut().for_each(|p| (p.embeddings, p.emotions) = Default::default());
        write(&bare, &path).unwrap();
        assert!(read_person(&path, 1).unwrap_err().to_string().contains("no features"));
    }
}
