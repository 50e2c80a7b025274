//! What methods said of clips, and what it is worth.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::clip::{CLASSES, ClipSet};
use ferrotype_evaluation::compare::McNemar;
use ferrotype_evaluation::statistics::{auroc, wilson};
use ferrotype_evaluation::{Predictions, Score, Scores, score};
use ferrotype_run::files::write_atomic;

/// Scores nearer to 0 than this are moved to it: their probabilities would be written as one half.
const SMALLEST: f64 = 1e-6;

/// A clip with what was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredClip {
    /// `training`, `validation`, `test` or `unlabelled`.
    pub set: String,
    /// Its place in the clips of the source.
    pub row: u32,
    /// Its name.
    pub clip: String,
    /// Who is seen.
    pub subject: Option<String>,
    /// The emotion that is shown.
    pub emotion: Option<String>,
    /// Length in seconds.
    pub seconds: f64,
    /// Whether the expression is genuine.
    pub real: Option<bool>,
    /// The method's score: above 0 says real.
    pub score: f64,
    /// The baselines' scores, by their names.
    pub baselines: BTreeMap<String, f64>,
}

impl ScoredClip {
    /// Clip `row` of a set, not scored by baselines.
    pub fn new(set: &ClipSet, row: usize, name: &str, score: f64) -> Self {
        let clip = &set.clips[row];
        Self {
            set: name.to_owned(),
            row: row as u32,
            clip: clip.name.clone(),
            subject: clip.subject.clone(),
            emotion: clip.emotion.map(|e| set.emotions[e].clone()),
            seconds: clip.seconds,
            real: clip.real,
            score,
            baselines: BTreeMap::new(),
        }
    }
}

/// How well scores tell the classes apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Clips.
    pub n: u64,
    /// Share of right decisions, with Wilson's 95 % interval.
    pub accuracy: Option<Score>,
    /// Mean of the classes' recalls.
    pub uar: Option<f64>,
    /// The probability that a real clip has a higher score than a fake one; none where one class is missing.
    pub auroc: Option<f64>,
    /// Accuracy by emotion.
    pub by_emotion: BTreeMap<String, Score>,
}

/// A baseline beside the method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineComparison {
    /// `length` or `au_means`.
    pub name: String,
    /// On the tested clips.
    pub test: Measures,
    /// The method (first) against it (second) on the tested clips.
    pub mcnemar: McNemar,
}

/// The predictions of labelled clips; by a baseline, if one is named.
pub fn predictions(clips: &[&ScoredClip], baseline: Option<&str>) -> Result<Predictions> {
    let mut out = Predictions { classes: CLASSES.map(String::from).to_vec(), ..Predictions::default() };
    for clip in clips {
        let Some(real) = clip.real else { continue };
        let score = score_of(clip, baseline)?;
        out.rows.push(clip.row);
        out.truth.push(usize::from(real));
        out.targets.extend(if real { [0.0, 1.0] } else { [1.0, 0.0] });
        let half = (if score > 0.0 { score.max(SMALLEST) } else { score.min(-SMALLEST) } / 2.0) as f32;
        out.logits.extend([-half, half]);
    }
    Ok(out)
}

fn score_of(clip: &ScoredClip, baseline: Option<&str>) -> Result<f64> {
    let score = match baseline {
        None => Some(clip.score),
        Some(name) => clip.baselines.get(name).copied(),
    };
    score.with_context(|| format!("clip {} was not scored by {}", clip.clip, baseline.unwrap_or("the method")))
}

/// Whether each of these labelled clips is decided rightly.
///
/// # Errors
/// When a clip was not scored.
pub fn rights(clips: &[&ScoredClip], baseline: Option<&str>) -> Result<Vec<bool>> {
    clips.iter().map(|c| Ok(c.real == Some(score_of(c, baseline)? > 0.0))).collect()
}

/// Measures the labelled ones of these clips; `None` where there are none.
pub fn measure(clips: &[&ScoredClip], baseline: Option<&str>) -> Result<Option<(Measures, Scores)>> {
    let labelled: Vec<&ScoredClip> = clips.iter().copied().filter(|c| c.real.is_some()).collect();
    if labelled.is_empty() {
        return Ok(None);
    }
    let predictions = predictions(&labelled, baseline)?;
    let scores = score(&predictions)?;
    let raw: Vec<f64> = labelled.iter().map(|c| score_of(c, baseline)).collect::<Result<_>>()?;
    let real: Vec<bool> = labelled.iter().map(|c| c.real == Some(true)).collect();
    let mut emotions = BTreeMap::<String, (u64, u64)>::new();
    for (i, clip) in labelled.iter().enumerate() {
        let Some(emotion) = &clip.emotion else { continue };
        let counts = emotions.entry(emotion.clone()).or_default();
        counts.1 += 1;
        counts.0 += u64::from(predictions.predicted(i) == predictions.truth[i]);
    }
    let share = |(hits, n): (u64, u64)| Score { value: hits as f64 / n as f64, interval: Some(wilson(hits, n)), n };
    let measures = Measures {
        n: scores.n,
        accuracy: scores.metrics.get("accuracy").cloned(),
        uar: scores.metrics.get("uar").map(|s| s.value),
        auroc: auroc(&raw, &real),
        by_emotion: emotions.into_iter().map(|(name, counts)| (name, share(counts))).collect(),
    };
    Ok(Some((measures, scores)))
}

/// The baselines on these clips, beside the method.
pub fn beside(clips: &[&ScoredClip], names: &[String]) -> Result<Vec<BaselineComparison>> {
    let labelled: Vec<&ScoredClip> = clips.iter().copied().filter(|c| c.real.is_some()).collect();
    let own = rights(&labelled, None)?;
    let of = |name: &String| {
        let (test, _) = measure(&labelled, Some(name))?.context("there are no labelled clips")?;
        Ok(BaselineComparison { name: name.clone(), test, mcnemar: McNemar::of(&own, &rights(&labelled, Some(name))?) })
    };
    names.iter().map(of).collect()
}

/// Columns of `clips.csv` before the baselines' scores.
const FIXED: [&str; 9] = ["set", "row", "clip", "subject", "emotion", "seconds", "truth", "prediction", "score"];
/// What follows a baseline's name in its column's.
const SUFFIX: &str = "_score";

/// Writes `clips.csv`: every scored clip with the scores of the method and of the baselines. A score above 0 says real.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, clips: &[ScoredClip], baselines: &[String]) -> Result<()> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let own = baselines.iter().map(|name| format!("{name}{SUFFIX}"));
    out.write_record(FIXED.map(str::to_owned).into_iter().chain(own))?;
    for c in clips {
        let word = |real: bool| CLASSES[usize::from(real)].to_owned();
        let fixed = [
            c.set.clone(),
            c.row.to_string(),
            c.clip.clone(),
            c.subject.clone().unwrap_or_default(),
            c.emotion.clone().unwrap_or_default(),
            c.seconds.to_string(),
            c.real.map(word).unwrap_or_default(),
            word(c.score > 0.0),
            c.score.to_string(),
        ];
        let scores = baselines.iter().map(|name| c.baselines.get(name).map(f64::to_string).unwrap_or_default());
        out.write_record(fixed.into_iter().chain(scores))?;
    }
    write_atomic(path, &out.into_inner().context("the table of clips cannot be made")?)
}

/// Reads `clips.csv`; gives also the names of the baselines.
///
/// # Errors
/// When the file is missing or not of this form; the line is named.
pub fn read(path: &Path) -> Result<(Vec<ScoredClip>, Vec<String>)> {
    let shown = path.display();
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {shown}"))?;
    let header = reader.headers().with_context(|| format!("cannot read {shown}"))?.clone();
    ensure!(
        header.len() >= FIXED.len() && header.iter().zip(FIXED).all(|(a, b)| a == b),
        "{shown} is not the table of clips that a run of the system real_fake writes"
    );
    let names: Vec<String> =
        header.iter().skip(FIXED.len()).map(|h| h.strip_suffix(SUFFIX).unwrap_or(h).to_owned()).collect();
    let mut clips = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let clip = record.map_err(Into::into).and_then(|record| parse(&record, &names));
        clips.push(clip.with_context(|| format!("{shown}, line {}", i + 2))?);
    }
    Ok((clips, names))
}

fn parse(record: &csv::StringRecord, names: &[String]) -> Result<ScoredClip> {
    let text = |i: usize| Some(record[i].to_owned()).filter(|t| !t.is_empty());
    let number = |i: usize| -> Result<f64> {
        record[i]
            .parse()
            .with_context(|| format!("column {} is `{}`, not a number", FIXED.get(i).unwrap_or(&"score"), &record[i]))
    };
    let real = match &record[6] {
        "" => None,
        word => Some(CLASSES.iter().position(|c| *c == word).with_context(|| format!("truth is `{word}`"))? == 1),
    };
    let mut baselines = BTreeMap::new();
    for (k, name) in names.iter().enumerate().filter(|(k, _)| !record[FIXED.len() + k].is_empty()) {
        baselines.insert(name.clone(), number(FIXED.len() + k)?);
    }
    Ok(ScoredClip {
        set: record[0].to_owned(),
        row: record[1].parse().with_context(|| format!("`{}` is not a row", &record[1]))?,
        clip: record[2].to_owned(),
        subject: text(3),
        emotion: text(4),
        seconds: number(5)?,
        real,
        score: number(8)?,
        baselines,
    })
}

#[cfg(test)]
mod tests;
