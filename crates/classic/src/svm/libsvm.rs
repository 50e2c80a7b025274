//! libsvm's text files of models: linear machines of two classes (libsvm 3.x, `svm_save_model` and `svm_load_model`).

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::{Plane, Svm};
use crate::matrix::Matrix;

/// More features than any such file here has.
const MOST_FEATURES: usize = 1 << 20;
/// More numbers than fit into memory comfortably.
const MOST_VALUES: usize = 1 << 27;
/// So many numbers are allowed to any file; longer ones may hold more.
const FEWEST_VALUES: usize = 1 << 20;

/// A model as the file holds it. The decision is `sum coefficient (vector x) - rho`; above 0 it means `labels[0]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LibsvmModel {
    /// Labels of the two classes.
    pub labels: [i32; 2],
    /// Number of support vectors of each class; those of the first come first.
    pub counts: [usize; 2],
    /// What is subtracted.
    pub rho: f64,
    /// One per support vector.
    pub coefficients: Vec<f64>,
    /// Support vectors, each as long as the highest feature named in the file.
    pub vectors: Vec<Vec<f64>>,
}

impl LibsvmModel {
    /// The model of a fit on these rows, positive class 1 and negative class 0.
    pub fn of(svm: &Svm, rows: &Matrix) -> Self {
        let all = || svm.support.iter().zip(&svm.coefficients);
        let chosen = all().filter(|(_, c)| **c > 0.0).chain(all().filter(|(_, c)| **c < 0.0));
        let (vectors, coefficients): (Vec<_>, Vec<_>) = chosen.map(|(&at, &c)| (rows.row(at).to_vec(), c)).unzip();
        let positive = coefficients.iter().filter(|&&c| c > 0.0).count();
        let counts = [positive, coefficients.len() - positive];
        Self { labels: [1, 0], counts, rho: -svm.plane.bias, coefficients, vectors }
    }

    /// The plane whose positive side is `positive`, over `features` features; those that the file does not name have
    /// weight 0, as libsvm leaves out zeros.
    ///
    /// # Errors
    /// When the file names more features than that, or the label is not one of its two.
    pub fn plane(&self, positive: i32, features: usize) -> Result<Plane> {
        let side = self.labels.iter().position(|&label| label == positive);
        let side = side.with_context(|| format!("its labels are {:?}, not {positive}", self.labels))?;
        let named = self.vectors.iter().map(Vec::len).max().unwrap_or(0);
        ensure!(named <= features, "it has {named} features, and the rows have {features}");
        let sign = if side == 0 { 1.0 } else { -1.0 };
        let mut weights = vec![0.0; features];
        for (vector, coefficient) in self.vectors.iter().zip(&self.coefficients) {
            weights.iter_mut().zip(vector).for_each(|(w, v)| *w += sign * coefficient * v);
        }
        Ok(Plane { weights, bias: -sign * self.rho })
    }

    /// The text of the file. Numbers are written so that reading gives the same bits.
    pub fn text(&self) -> String {
        let mut text = format!(
            "svm_type c_svc\nkernel_type linear\nnr_class 2\ntotal_sv {}\nrho {}\nlabel {} {}\nnr_sv {} {}\nSV\n",
            self.vectors.len(),
            self.rho,
            self.labels[0],
            self.labels[1],
            self.counts[0],
            self.counts[1]
        );
        for (vector, coefficient) in self.vectors.iter().zip(&self.coefficients) {
            let named = vector.iter().enumerate().filter(|(_, v)| **v != 0.0);
            let values: String = named.map(|(i, v)| format!("{}:{v} ", i + 1)).collect();
            text.push_str(&format!("{coefficient} {values}\n"));
        }
        text
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Names the line: another kind of machine or kernel, more than two classes, a missing or damaged entry.
    pub fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        let header = Header::read(&mut lines)?;
        let (mut coefficients, mut sparse) = (Vec::new(), Vec::new());
        for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let (coefficient, vector) = vector(line).with_context(|| format!("line {at} is damaged"))?;
            coefficients.push(coefficient);
            sparse.push(vector);
        }
        ensure!(
            sparse.len() == header.total,
            "it announces {} support vectors and holds {}: it was cut off or changed; fetch it again",
            header.total,
            sparse.len()
        );
        let features = sparse.iter().filter_map(|vector| vector.last().map(|&(i, _)| i)).max().unwrap_or(0);
        // Zeros are left out, but not without end: a short file must not take all memory.
        let most = MOST_VALUES.min(FEWEST_VALUES + 64 * text.len());
        ensure!(
            features * sparse.len() <= most,
            "{} vectors of {features} features are too many for a file of {} bytes",
            sparse.len(),
            text.len()
        );
        let dense = |vector: Vec<(usize, f64)>| {
            let mut row = vec![0.0; features];
            vector.into_iter().for_each(|(i, v)| row[i - 1] = v);
            row
        };
        let vectors = sparse.into_iter().map(dense).collect();
        Ok(Self { labels: header.labels, counts: header.counts, rho: header.rho, coefficients, vectors })
    }
}

/// What stands above the support vectors.
struct Header {
    total: usize,
    rho: f64,
    labels: [i32; 2],
    counts: [usize; 2],
}

impl Header {
    fn read<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Self> {
        let (mut total, mut rho, mut labels, mut counts) = (None, None, None, None);
        let mut linear = false;
        for (at, line) in lines {
            let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "svm_type" => {
                    ensure!(rest == "c_svc", "line {at}: a machine of type `{rest}`; only c_svc can be read");
                }
                "kernel_type" => {
                    ensure!(rest == "linear", "line {at}: a `{rest}` kernel; only linear ones can be read");
                    linear = true;
                }
                "nr_class" => ensure!(rest == "2", "line {at}: {rest} classes; only two can be read"),
                "total_sv" => total = Some(number(at, rest)?),
                "rho" => rho = Some(number::<f64>(at, rest)?).filter(|rho| rho.is_finite()),
                "label" => labels = Some(pair(at, rest)?),
                "nr_sv" => counts = Some(pair(at, rest)?),
                // Platt's calibration, which changes no decision.
                "probA" | "probB" | "prob_density_marks" => {}
                "SV" => {
                    let missing = |name: &str| format!("line {at}: `{name}` is missing above the support vectors");
                    ensure!(linear, missing("kernel_type"));
                    let counts: [usize; 2] = counts.with_context(|| missing("nr_sv"))?;
                    let total = total.with_context(|| missing("total_sv"))?;
                    ensure!(
                        counts[0].checked_add(counts[1]) == Some(total),
                        "line {at}: nr_sv {} and {} do not add up to total_sv {total}",
                        counts[0],
                        counts[1]
                    );
                    let rho = rho.with_context(|| missing("rho"))?;
                    return Ok(Self { total, rho, labels: labels.with_context(|| missing("label"))?, counts });
                }
                _ => bail!("line {at}: `{}` is no entry of a libsvm model", line.chars().take(40).collect::<String>()),
            }
        }
        bail!("it is no libsvm model: the line `SV` is missing")
    }
}

fn number<T: std::str::FromStr>(at: usize, text: &str) -> Result<T> {
    text.trim().parse().map_err(|_| anyhow!("line {at}: `{}` is no number", text.chars().take(40).collect::<String>()))
}

fn pair<T: std::str::FromStr>(at: usize, text: &str) -> Result<[T; 2]> {
    let values = text.split_whitespace().map(|value| number(at, value)).collect::<Result<Vec<T>>>()?;
    values.try_into().map_err(|_| anyhow!("line {at}: `{text}` should be two numbers"))
}

/// `coefficient index:value index:value ...`, indices from 1 and ascending.
fn vector(line: &str) -> Result<(f64, Vec<(usize, f64)>)> {
    let finite = |text: &str| {
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
        value.with_context(|| format!("`{text}` is no number"))
    };
    let mut words = line.split_whitespace();
    let coefficient = finite(words.next().context("it is empty")?)?;
    let (mut vector, mut last) = (Vec::new(), 0);
    for word in words {
        let (index, value) = word.split_once(':').with_context(|| format!("`{word}` is not index:value"))?;
        let index: usize = index.parse().map_err(|_| anyhow!("`{word}` is not index:value"))?;
        ensure!(index > last && index <= MOST_FEATURES, "index {index} follows index {last}");
        vector.push((index, finite(value)?));
        last = index;
    }
    Ok((coefficient, vector))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svm::SvmOptions;

    const MODEL: &str = "svm_type c_svc\nkernel_type linear\nnr_class 2\ntotal_sv 2\nrho 0.25\nlabel 1 0\nnr_sv 1 1\nSV\n\
                         0.5 1:1 3:-2.5 \n-0.5 2:4 \n";

    #[test]
    fn a_model_is_read_and_decides() {
        let model = LibsvmModel::parse(MODEL).unwrap();
        assert_eq!(model.vectors, [vec![1.0, 0.0, -2.5], vec![0.0, 4.0, 0.0]]);
        let plane = model.plane(1, 3).unwrap();
        assert_eq!(plane, Plane { weights: vec![0.5, -2.0, -1.25], bias: -0.25 });
        let other = model.plane(0, 4).unwrap();
        assert_eq!(other, Plane { weights: vec![-0.5, 2.0, 1.25, 0.0], bias: 0.25 });
        assert!(model.plane(1, 2).unwrap_err().to_string().contains("3 features, and the rows have 2"));
        assert!(model.plane(7, 3).unwrap_err().to_string().contains("not 7"));
    }

    #[test]
    fn a_fit_survives_the_file_bit_for_bit() {
        let rows = crate::matrix::tests::drawn(30, 5, 0.9);
        let labels: Vec<bool> = rows.iter().map(|row| row[0] > 0.1).collect();
        let svm = Svm::fit(&rows, &labels, &SvmOptions::default()).unwrap();
        let model = LibsvmModel::of(&svm, &rows);
        let read = LibsvmModel::parse(&model.text()).unwrap();
        assert_eq!(read, model);
        let plane = read.plane(1, 5).unwrap();
        for row in rows.iter() {
            assert!((plane.decision(row).unwrap() - svm.plane.decision(row).unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn damage_is_said_with_its_line() {
        let said = |from: &str, to: &str| format!("{:#}", LibsvmModel::parse(&MODEL.replace(from, to)).unwrap_err());
        assert!(said("c_svc", "nu_svc").contains("line 1: a machine of type `nu_svc`"));
        assert!(said("linear", "rbf").contains("line 2: a `rbf` kernel"));
        assert!(said("nr_class 2", "nr_class 3").contains("line 3: 3 classes"));
        assert!(said("rho 0.25", "rho x").contains("line 5: `x` is no number"));
        assert!(said("rho 0.25\n", "").contains("`rho` is missing"));
        assert!(said("label 1 0", "label 1").contains("line 6: `1` should be two numbers"));
        assert!(said("nr_sv 1 1", "nr_sv 1 2").contains("do not add up"));
        assert!(said("3:-2.5", "3;2").contains("line 9 is damaged: `3;2` is not index:value"));
        assert!(said("3:-2.5", "1:2").contains("index 1 follows index 1"));
        assert!(said("2:4", "1000000:4").contains("2 vectors of 1000000 features are too many for a file of"));
        assert!(said("2:4", "2:nan").contains("line 10 is damaged: `nan`"));
        assert!(said("-0.5 2:4 \n", "").contains("announces 2 support vectors and holds 1"));
        assert!(said(MODEL, "hello").contains("line 1: `hello` is no entry"));
        assert!(said(MODEL, "").contains("no libsvm model"));
    }
}
