//! What each detector learns: columns of the table, reduced and scaled by what the training frames say.

use anyhow::{Result, ensure};
use ferrotype_classic::components::Components;

use super::options::{AnomalyData, ColumnScaling, DetectorKind, Reduction};
use super::scaling::MinMax;
use super::table::{Column, ColumnKind, FeatureTable};

/// The columns of one detector.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorInput {
    /// Its name, as the result table writes it: `All`, `Comp`, `Emb`, or an emotion.
    pub name: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// `[frames, columns]`, scaled.
    pub values: Vec<f32>,
}

/// The inputs of all detectors, with what the result table shows of the frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// One per detector.
    pub detectors: Vec<DetectorInput>,
    /// The first so many frames are trained on; the rest selects the weights.
    pub training: usize,
    /// Columns that the result table shows: components, features, emotions.
    pub shown: Vec<Column>,
    /// `[frames, shown]`: scaled where the detectors' are.
    pub shown_values: Vec<f32>,
    /// The part of the embedding's variance that its components keep.
    pub kept_variance: Option<f64>,
}

/// A part of the table: columns with their values.
struct Part {
    columns: Vec<Column>,
    values: Vec<f32>,
}

impl Part {
    fn of(table: &FeatureTable, places: &[usize]) -> Self {
        Self { columns: places.iter().map(|&p| table.columns[p].clone()).collect(), values: table.select(places) }
    }

    fn scaled(mut self, training: usize, scaling: ColumnScaling) -> Self {
        let columns = self.columns.len();
        if scaling == ColumnScaling::MinMax && columns > 0 {
            MinMax::fit(&self.values[..training * columns], columns).apply(&mut self.values);
        }
        self
    }

    /// Parts side by side.
    fn joined(parts: &[&Self], frames: usize) -> Self {
        let columns: Vec<Column> = parts.iter().flat_map(|p| p.columns.iter().cloned()).collect();
        let mut values = Vec::with_capacity(frames * columns.len());
        for i in 0..frames {
            for part in parts {
                let width = part.columns.len();
                values.extend_from_slice(&part.values[i * width..(i + 1) * width]);
            }
        }
        Self { columns, values }
    }

    fn detector(&self, name: &str) -> DetectorInput {
        DetectorInput {
            name: name.to_owned(),
            columns: self.columns.iter().map(|c| c.name.clone()).collect(),
            values: self.values.clone(),
        }
    }
}

/// Prepares the detectors' inputs.
///
/// # Errors
/// When there are too few frames, a named emotion or detector has no columns, or nothing varies.
pub fn prepare(table: &FeatureTable, data: &AnomalyData) -> Result<Inputs> {
    let n = table.len();
    let training = ((1.0 - data.validation) * n as f64) as usize;
    ensure!(
        training >= 2 && training < n,
        "{n} frames are too few: the first {training} would be trained on and the last {} validated, and both need some \
         (a longer video, or another data.rate or data.validation)",
        n - training
    );
    let embedding = Part::of(table, &table.places(ColumnKind::Embedding));
    let (reduced, kept_variance) = components(&embedding, training, data)?;
    let scaled = |part: Part| part.scaled(training, data.scaling);
    let given = Part::of(table, &table.places(ColumnKind::Component));
    let components = scaled(Part::joined(&[&reduced, &given], n));
    let features = scaled(Part::of(table, &table.places(ColumnKind::Feature)));
    let emotions = scaled(emotions(table, &data.emotions)?);
    let embedding = scaled(embedding);
    let all = Part::joined(&[&components, &features, &emotions], n);
    let mut detectors = Vec::new();
    for kind in wanted(data, &components, &embedding) {
        let found = match kind {
            DetectorKind::All => vec![all.detector("All")],
            DetectorKind::Components => vec![components.detector("Comp")],
            DetectorKind::Embedding => vec![embedding.detector("Emb")],
            DetectorKind::Emotions => one_by_one(&emotions),
        };
        let is_empty = found.iter().all(|d| d.columns.is_empty());
        ensure!(!is_empty, "data.detectors names {kind:?}, but the source has no such columns");
        detectors.extend(found);
    }
    for d in &detectors {
        check(d, training)?;
    }
    Ok(Inputs { detectors, training, shown: all.columns, shown_values: all.values, kept_variance })
}

/// The detectors that an experiment names, or those that its source allows.
fn wanted(data: &AnomalyData, components: &Part, embedding: &Part) -> Vec<DetectorKind> {
    if !data.detectors.is_empty() {
        let mut kinds = data.detectors.clone();
        kinds.sort_unstable();
        kinds.dedup();
        return kinds;
    }
    let mut kinds = vec![DetectorKind::All];
    kinds.extend((!components.columns.is_empty()).then_some(DetectorKind::Components));
    kinds.extend((!embedding.columns.is_empty()).then_some(DetectorKind::Embedding));
    kinds
}

/// The components of the embedding, with the part of the variance that they keep.
fn components(embedding: &Part, training: usize, data: &AnomalyData) -> Result<(Part, Option<f64>)> {
    let columns = embedding.columns.len();
    let nothing = Part { columns: Vec::new(), values: Vec::new() };
    if columns == 0 {
        return Ok((nothing, None));
    }
    let fit = |count| Components::fit(&embedding.values[..training * columns], columns, count);
    let pca = match &data.reduction {
        Reduction::None => return Ok((nothing, None)),
        Reduction::Pca(o) => fit(o.components)?,
        Reduction::Elbow(o) => {
            let most = fit(o.most)?;
            let count = elbow(&most.variances);
            most.first(count)
        }
    };
    let names = (1..=pca.directions.len()).map(|i| Column { name: format!("Comp {i}"), kind: ColumnKind::Component });
    let kept = pca.variances.iter().sum::<f64>() / pca.total_variance;
    Ok((Part { columns: names.collect(), values: pca.project(&embedding.values) }, Some(kept)))
}

/// The original's number of components, `argmin(diff(cumulative variance)) + 1`: the differences of the cumulative variance
/// are the variances from the second component on.
fn elbow(variances: &[f64]) -> usize {
    let increments = &variances[1.min(variances.len())..];
    let smallest = (0..increments.len()).fold(0, |best, i| if increments[i] < increments[best] { i } else { best });
    (smallest + 1).min(variances.len())
}

fn emotions(table: &FeatureTable, wanted: &[String]) -> Result<Part> {
    let places = table.places(ColumnKind::Emotion);
    if wanted.is_empty() {
        return Ok(Part::of(table, &places));
    }
    let known: Vec<&str> = places.iter().map(|&p| table.columns[p].name.as_str()).collect();
    let find = |name: &String| {
        let place = places.iter().copied().find(|&p| table.columns[p].name.eq_ignore_ascii_case(name));
        place.ok_or_else(|| anyhow::anyhow!("data.emotions names `{name}`; the source has {}", known.join(", ")))
    };
    let places = wanted.iter().map(find).collect::<Result<Vec<usize>>>()?;
    Ok(Part::of(table, &places))
}

fn one_by_one(part: &Part) -> Vec<DetectorInput> {
    let width = part.columns.len();
    let one = |(i, column): (usize, &Column)| DetectorInput {
        name: column.name.clone(),
        columns: vec![column.name.clone()],
        values: part.values.iter().skip(i).step_by(width).copied().collect(),
    };
    part.columns.iter().enumerate().map(one).collect()
}

/// A detector of which nothing varies while it is trained would call every other frame an anomaly.
fn check(detector: &DetectorInput, training: usize) -> Result<()> {
    let width = detector.columns.len();
    let first = &detector.values[..width];
    let varies = detector.values[..training * width].chunks_exact(width).any(|row| row != first);
    ensure!(
        varies,
        "the columns of the detector {} ({}) have the same values in all {training} training frames: there is nothing to \
         learn from them",
        detector.name,
        detector.columns.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::options::{AnomalySource, CsvOptions, PcaOptions, Reduction};
    use super::*;
    use ferrotype_base::random::Stream;

    fn data() -> AnomalyData {
        AnomalyData {
            source: AnomalySource::Csv(CsvOptions { path: "a.csv".into() }),
            rate: None,
            validation: 0.15,
            reduction: Reduction::Pca(PcaOptions { components: 2 }),
            scaling: ColumnScaling::MinMax,
            emotions: Vec::new(),
            detectors: Vec::new(),
        }
    }

    fn table(n: usize) -> FeatureTable {
        let mut s = Stream::new(2);
        let names = ["Raw_Embedding_0", "Raw_Embedding_1", "Raw_Embedding_2", "AU12", "happy", "sad"];
        FeatureTable {
            frames: (0..n as u64).collect(),
            times: (0..n).map(|i| i as f64 / 10.0).collect(),
            columns: names.map(|n| Column { name: n.into(), kind: ColumnKind::of(n) }).to_vec(),
            values: (0..n * names.len()).map(|_| s.normal() as f32).collect(),
            ..FeatureTable::default()
        }
    }

    #[test]
    fn detectors_have_their_columns_and_training_frames_their_range() {
        let inputs = prepare(&table(100), &data()).unwrap();
        assert_eq!(inputs.training, 85);
        let names: Vec<&str> = inputs.detectors.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["All", "Comp", "Emb"]);
        assert_eq!(inputs.detectors[0].columns, ["Comp 1", "Comp 2", "AU12", "happy", "sad"]);
        assert_eq!(inputs.detectors[2].values.len(), 300);
        for d in &inputs.detectors {
            let trained = &d.values[..85 * d.columns.len()];
            let low = trained.iter().copied().fold(f32::INFINITY, f32::min);
            let high = trained.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!((low, high), (0.0, 1.0), "{}", d.name);
        }
        assert!(inputs.kept_variance.is_some_and(|v| v > 0.5 && v < 1.0));
    }

    #[test]
    fn what_later_frames_hold_does_not_change_what_is_learned() {
        let mut other = table(100);
        let before = prepare(&other, &data()).unwrap();
        other.values[95 * 6..].iter_mut().for_each(|v| *v += 40.0);
        let after = prepare(&other, &data()).unwrap();
        for (a, b) in before.detectors.iter().zip(&after.detectors) {
            let upto = 95 * a.columns.len();
            assert_eq!(a.values[..upto], b.values[..upto], "{}", a.name);
        }
    }

    #[test]
    fn emotions_and_detectors_are_chosen_by_name() {
        let by_name = AnomalyData { emotions: vec!["Sad".into()], detectors: vec![DetectorKind::Emotions], ..data() };
        let inputs = prepare(&table(50), &by_name).unwrap();
        assert_eq!(inputs.detectors.len(), 1);
        assert_eq!((inputs.detectors[0].name.as_str(), inputs.detectors[0].values.len()), ("sad", 50));
        let unknown = AnomalyData { emotions: vec!["bored".into()], ..data() };
        assert!(prepare(&table(50), &unknown).unwrap_err().to_string().contains("the source has happy, sad"));
        let mut plain = table(50);
        plain.columns.iter_mut().for_each(|c| *c = Column { name: "x".into(), kind: ColumnKind::Feature });
        let impossible = AnomalyData { detectors: vec![DetectorKind::Embedding], ..data() };
        assert!(prepare(&plain, &impossible).unwrap_err().to_string().contains("no such columns"));
    }

    #[test]
    fn too_few_frames_and_constant_features_are_refused() {
        assert!(prepare(&table(1), &data()).unwrap_err().to_string().contains("1 frames are too few"));
        let mut constant = table(50);
        constant.columns.iter_mut().for_each(|c| c.kind = ColumnKind::Feature);
        constant.values.fill(0.3);
        assert!(prepare(&constant, &data()).unwrap_err().to_string().contains("nothing to learn"));
    }

    #[test]
    fn the_elbow_is_where_the_original_finds_it() {
        // np.argmin(np.diff(np.cumsum(v))) + 1
        assert_eq!(elbow(&[5.0, 3.0, 2.0, 1.0]), 3);
        assert_eq!(elbow(&[5.0, 1.0, 1.0, 1.0]), 1);
        assert_eq!(elbow(&[5.0]), 1);
    }
}
