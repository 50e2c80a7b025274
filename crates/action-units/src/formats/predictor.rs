//! Linear predictors: support vector regression of an action unit's intensity, and support vector machines that tell
//! whether it is there.

use anyhow::{Result, bail, ensure};

use super::binary::{Reader, write_matrix};

/// `(x - means) . weights + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// What is subtracted from a face's features; as long as `weights`.
    pub means: Vec<f64>,
    /// One weight per feature.
    pub weights: Vec<f64>,
    /// What is added.
    pub bias: f64,
}

/// The regression of an intensity, 0 to 5.
#[derive(Clone, Debug, PartialEq)]
pub struct Svr {
    /// The predictor.
    pub linear: Linear,
    /// Whether the running median of the person's features is subtracted first, and which share of the sorted values of a
    /// video is taken as the person's zero; -1: none. `None` of a static predictor.
    pub cutoff: Option<f64>,
}

/// Whether an action unit is present.
#[derive(Clone, Debug, PartialEq)]
pub struct Svm {
    /// The predictor.
    pub linear: Linear,
    /// Whether the running median of the person's features is subtracted first.
    pub dynamic: bool,
    /// The class of values above 0: 1 (present) or 0. Half of OpenFace's machines have it the other way round.
    pub positive: f64,
    /// The class of the others.
    pub negative: f64,
}

impl Svr {
    /// Reads a file of `svr_combined`: int32 kind (0 static, 1 dynamic); float64 cutoff of a dynamic one; means `(1, n)`;
    /// weights `(n, 1)`; float64 bias.
    ///
    /// # Errors
    /// When the bytes are cut off, damaged, or those of another kind of file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let cutoff = match reader.integer("the kind")? {
            0 => None,
            1 => Some(reader.number("the cutoff")?),
            4 | 5 => bail!("it holds a support vector machine (presence) where a regression (intensity) is expected"),
            other => {
                bail!("it begins with {other}, regressions of intensity with 0 or 1: it is damaged or another file")
            }
        };
        ensure!(
            cutoff.is_none_or(|c| c == -1.0 || (0.0..=1.0).contains(&c)),
            "its cutoff is {:?}: a share between 0 and 1, or -1, is expected; the file is damaged",
            cutoff.unwrap_or_default()
        );
        let linear = Linear::read(&mut reader)?;
        reader.end()?;
        Ok(Self { linear, cutoff })
    }

    /// The same file as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(i32::from(self.cutoff.is_some()).to_le_bytes());
        self.cutoff.iter().for_each(|c| out.extend(c.to_le_bytes()));
        self.linear.write(&mut out);
        out
    }
}

impl Svm {
    /// Reads a file of `svm_combined`: int32 kind (4 static, 5 dynamic); means `(1, n)`; weights `(n, 1)`; float64 bias,
    /// class of positive values, class of the others.
    ///
    /// # Errors
    /// When the bytes are cut off, damaged, or those of another kind of file, and when the classes are not 0 and 1.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let dynamic = match reader.integer("the kind")? {
            4 => false,
            5 => true,
            0 | 1 => bail!("it holds a regression (intensity) where a support vector machine (presence) is expected"),
            other => {
                bail!("it begins with {other}, support vector machines with 4 or 5: it is damaged or another file")
            }
        };
        let linear = Linear::read(&mut reader)?;
        let [positive, negative] = [reader.number("the positive class")?, reader.number("the negative class")?];
        ensure!(
            [positive, negative] == [0.0, 1.0] || [positive, negative] == [1.0, 0.0],
            "its classes are {positive} and {negative} where 0 and 1 are expected: the file is damaged"
        );
        reader.end()?;
        Ok(Self { linear, dynamic, positive, negative })
    }

    /// The same file as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend((4 + i32::from(self.dynamic)).to_le_bytes());
        self.linear.write(&mut out);
        [self.positive, self.negative].iter().for_each(|class| out.extend(class.to_le_bytes()));
        out
    }
}

impl Linear {
    fn read(reader: &mut Reader) -> Result<Self> {
        let (rows, columns, means) = reader.matrix("the means")?;
        ensure!(rows == 1 && columns > 0, "the means are {rows} x {columns}, one row is expected: the file is damaged");
        let (rows, columns, weights) = reader.matrix("the weights")?;
        ensure!(
            columns == 1 && rows == means.len(),
            "the weights are {rows} x {columns} where {} x 1 are expected, as many as means: the file is damaged",
            means.len()
        );
        Ok(Self { means, weights, bias: reader.number("the bias")? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_matrix(out, 1, self.means.len(), &self.means);
        write_matrix(out, self.weights.len(), 1, &self.weights);
        out.extend(self.bias.to_le_bytes());
    }
}
