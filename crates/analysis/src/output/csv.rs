//! Tables: `frames.csv` with a row for each face in each frame, `au_timeline.csv`, `summary.csv`.

use std::path::Path;

use anyhow::{Context, Result};
use ferrotype_action_units::INTENSITIES;
use ferrotype_action_units::csv::{Columns, Row, header, line, unit_columns};
use ferrotype_action_units::pose::Pose;
use ferrotype_base::files::write_atomic_with;

use super::summary::Summary;
use super::{Facts, Records, head_values};
use crate::options::ColumnNames;
use crate::record::{FaceRecord, FrameRecord};

/// Writes `frames.csv`.
pub fn frames(facts: &Facts, records: &Records, path: &Path) -> Result<()> {
    match facts.options.output.columns {
        ColumnNames::Openface => openface(facts, records, path),
        ColumnNames::Pyfeat => pyfeat(facts, records, path),
    }
}

/// Names of the heads' columns.
fn head_columns(facts: &Facts) -> String {
    facts.head_columns().map(|name| format!(",{name}")).collect()
}

/// Cells of the heads, empty where one says nothing of the face.
fn head_cells(facts: &Facts, face: &FaceRecord) -> String {
    head_values(facts, face).iter().map(|v| v.map_or_else(|| ",".into(), |v| format!(",{v:.6}"))).collect()
}

/// The first column of pictures in a folder, as py-feat calls it.
fn picture_column(facts: &Facts) -> &'static str {
    if facts.is_pictures() { "input," } else { "" }
}

fn picture_cell(facts: &Facts, record: &FrameRecord) -> String {
    let Some(name) = record.picture.as_ref().filter(|_| facts.is_pictures()) else { return String::new() };
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\",", name.replace('"', "\"\"")),
        false => format!("{name},"),
    }
}

/// OpenFace's columns. A frame without a face has a row without success, as there; so has a face without the landmarks that are
/// asked for, whose cells hold zeros.
fn openface(facts: &Facts, records: &Records, path: &Path) -> Result<()> {
    let columns = Columns {
        face_id: true,
        pose: facts.has_units,
        landmarks: facts.has_landmarks,
        landmarks_in_space: false,
        parameters: false,
        units: facts.has_units,
    };
    let outputs: usize = facts.heads.iter().map(|(_, outputs)| outputs.len()).sum();
    write_atomic_with(path, |file| {
        writeln!(file, "{}{}{}", picture_column(facts), header(columns), head_columns(facts))?;
        records.each(|record| {
            let picture = picture_cell(facts, &record);
            for face in &record.faces {
                writeln!(
                    file,
                    "{picture}{}{}",
                    openface_line(facts, columns, &record, Some(face)),
                    head_cells(facts, face)
                )?;
            }
            if record.faces.is_empty() {
                writeln!(file, "{picture}{}{}", openface_line(facts, columns, &record, None), ",0".repeat(outputs))?;
            }
            Ok(())
        })
    })
}

fn openface_line(facts: &Facts, columns: Columns, record: &FrameRecord, face: Option<&FaceRecord>) -> String {
    let pose = face.and_then(|f| f.pose).map(|p| Pose {
        translation: p.translation,
        rotation: p.rotation,
        rotation_to_camera: p.rotation,
    });
    let points = face.and_then(|f| f.points.as_ref()).filter(|points| points.len() == 68);
    let landmarks = points.map(|points| std::array::from_fn(|i| points[i].map(f64::from)));
    line(
        columns,
        &Row {
            frame: record.frame + 1,
            face_id: face.map_or(0, |f| f.track as u64),
            // As OpenFace writes pictures.
            timestamp: if facts.is_stills { 0.0 } else { record.time },
            confidence: face.map_or(0.0, |f| f64::from(f.score)),
            success: face.is_some() && (landmarks.is_some() || !columns.landmarks),
            pose: pose.as_ref(),
            landmarks: landmarks.as_ref(),
            landmarks_in_space: None,
            parameters: None,
            units: face.and_then(|f| f.units.as_ref()),
        },
    )
}

/// py-feat's columns; intensities of action units are divided by 5, since theirs reach from 0 to 1.
fn pyfeat(facts: &Facts, records: &Records, path: &Path) -> Result<()> {
    let mut head = picture_column(facts).to_owned() + "frame";
    head += if facts.is_stills { "" } else { ",approx_time" };
    head += ",FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore";
    head += if facts.is_stills { "" } else { ",Identity" };
    if facts.has_landmarks {
        ["x", "y"].iter().for_each(|axis| (0..68).for_each(|i| head += &format!(",{axis}_{i}")));
    }
    if facts.has_units {
        head += ",Pitch,Roll,Yaw";
    }
    if facts.has_units {
        INTENSITIES.iter().for_each(|unit| head += &format!(",AU{unit:02}"));
    }
    write_atomic_with(path, |file| {
        writeln!(file, "{head}{}", head_columns(facts))?;
        records.each(|record| {
            for face in &record.faces {
                writeln!(file, "{}{}", pyfeat_line(facts, &record, face), head_cells(facts, face))?;
            }
            Ok(())
        })
    })
}

fn pyfeat_line(facts: &Facts, record: &FrameRecord, face: &FaceRecord) -> String {
    let [left, top, right, bottom] = face.bounds;
    let mut line = picture_cell(facts, record) + &record.frame.to_string();
    if !facts.is_stills {
        line += &format!(",{:.6}", record.time);
    }
    line += &format!(",{left},{top},{},{},{}", right - left, bottom - top, face.score);
    if !facts.is_stills {
        line += &format!(",Person_{}", face.track);
    }
    let blank = |n: usize| ",".repeat(n);
    if facts.has_landmarks {
        match &face.points {
            Some(points) if points.len() == 68 => {
                [0, 1].iter().for_each(|&axis| points.iter().for_each(|p| line += &format!(",{}", p[axis])));
            }
            _ => line += &blank(136),
        }
    }
    if facts.has_units {
        match face.pose {
            Some(pose) => {
                let [pitch, yaw, roll] = pose.rotation.map(f64::to_degrees);
                line += &format!(",{pitch:.4},{roll:.4},{yaw:.4}");
            }
            None => line += &blank(3),
        }
    }
    if facts.has_units {
        match &face.units {
            Some(units) => units.intensities.iter().for_each(|v| line += &format!(",{:.5}", v / 5.0)),
            None => line += &blank(INTENSITIES.len()),
        }
    }
    line
}

/// Writes `au_timeline.csv`: time, person, intensities and presences.
pub fn unit_timeline(records: &Records, path: &Path) -> Result<()> {
    write_atomic_with(path, |file| {
        let units: String = unit_columns().map(|name| format!(",{name}")).collect();
        writeln!(file, "timestamp,frame,face_id{units}")?;
        records.each(|record| {
            for (face, units) in record.faces.iter().filter_map(|face| Some((face, face.units.as_ref()?))) {
                let intensities: String = units.intensities.iter().map(|v| format!(",{v:.3}")).collect();
                let presences: String = units.presences.iter().map(|p| format!(",{}", u8::from(*p))).collect();
                writeln!(file, "{:.6},{},{}{intensities}{presences}", record.time, record.frame + 1, face.track)?;
            }
            Ok(())
        })
    })
}

/// `summary.csv`: a row for each person and quantity.
pub fn summary(summary: &Summary) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "face_id",
        "quantity",
        "mean",
        "sd",
        "min",
        "max",
        "share",
        "longest_seconds",
        "longest_from",
    ])?;
    for track in summary.tracks() {
        for q in &track.quantities {
            let number = |v: Option<f64>| v.map_or_else(String::new, |v| format!("{v:.6}"));
            let [longest, from] = match &q.longest {
                Some(e) => [Some(e.to - e.from), Some(e.from)],
                None => [None, None],
            };
            table.write_record([
                track.track.map_or_else(|| "all".to_owned(), |track| track.to_string()),
                q.name.clone(),
                number(q.mean),
                number(q.sd),
                number(q.min),
                number(q.max),
                number(q.share),
                number(longest),
                number(from),
            ])?;
        }
    }
    table.into_inner().context("cannot write the table")
}
