//! A file's tensors as values of a network, where its form says that they stand.

use std::collections::{HashMap, HashSet};

use super::{Foreign, ForeignTensor, count, keras};
use ferrotype_model::published::{Entry, Layout, Made, Named, NormNames};
use ferrotype_model::{Graph, StateTensor};

/// A file's tensors by their names, and by what Keras' automatic names stand for.
pub struct Index<'a> {
    tensors: HashMap<String, &'a ForeignTensor>,
}

impl<'a> Index<'a> {
    /// The index of a file.
    pub fn of(foreign: &'a Foreign) -> Self {
        let layer = |t: &'a ForeignTensor| t.name.rsplit_once('/');
        let places = keras::places(foreign.tensors.iter().filter_map(|t| Some(layer(t)?.0)));
        let mut tensors = HashMap::new();
        for tensor in &foreign.tensors {
            if let Some((layer, weight)) = layer(tensor) {
                tensors.insert(format!("{}/{weight}", places[layer]), tensor);
            }
        }
        // A name in full goes before what a place stands for.
        tensors.extend(foreign.tensors.iter().map(|t| (t.name.clone(), t)));
        Self { tensors }
    }

    /// The first tensor of these names.
    pub fn find(&self, named: &Named) -> Option<&'a ForeignTensor> {
        named.names.iter().find_map(|name| self.tensors.get(name).copied())
    }
}

/// What came of laying a form over a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The values that could be filled.
    pub state: Vec<StateTensor>,
    /// Names of ours without a tensor, with the name that was looked for.
    pub missing: Vec<String>,
    /// Tensors of another shape, with both.
    pub misshapen: Vec<String>,
    /// Tensors that nothing asked for.
    pub unused: Vec<String>,
}

impl Applied {
    /// Number of faults; 0 is a match.
    pub fn faults(&self) -> usize {
        self.missing.len() + self.misshapen.len() + self.unused.len()
    }
}

/// Fills the entries from the file. Entries that `is_reinit` keep their initial values, and their tensors need not be there.
pub fn apply(
    foreign: &Foreign,
    index: &Index,
    graph: &Graph,
    entries: &[Entry],
    is_reinit: impl Fn(&str) -> bool,
) -> Applied {
    let parameters = graph.parameters.iter().map(|p| (&p.name, &p.shape));
    let shapes: HashMap<&String, &Vec<usize>> =
        parameters.chain(graph.buffers.iter().map(|b| (&b.name, &b.shape))).collect();
    let mut used: HashSet<*const ForeignTensor> = HashSet::new();
    let mut applied = Applied::default();
    for entry in entries {
        let Some(&shape) = shapes.get(&entry.ours) else { continue };
        let mut take = Take { index, used: &mut used };
        if is_reinit(&entry.ours) {
            take.mark(&entry.made);
            continue;
        }
        match take.values(&entry.made, shape) {
            Ok(values) => {
                applied.state.push(StateTensor { name: entry.ours.clone(), shape: shape.clone(), values });
            }
            Err(Fault::Missing(name)) => applied.missing.push(format!("{} ({name})", entry.ours)),
            Err(Fault::Misshapen(text)) => applied.misshapen.push(text),
        }
    }
    let filled: HashSet<&String> = entries.iter().map(|e| &e.ours).collect();
    let nowhere = shapes.keys().filter(|name| !filled.contains(*name) && !is_reinit(name));
    applied.missing.extend(nowhere.map(|name| (*name).clone()));
    applied.missing.sort();
    let unused = foreign.tensors.iter().filter(|t| !used.contains(&std::ptr::from_ref(*t)));
    applied.unused.extend(unused.map(|t| t.name.clone()));
    applied
}

enum Fault {
    Missing(String),
    Misshapen(String),
}

/// Of a normalisation, per channel: `scale / sqrt(variance + eps)`, the shift, the mean.
type Factors = (Vec<f64>, Vec<f32>, Vec<f32>);

struct Take<'a, 'u> {
    index: &'a Index<'a>,
    used: &'u mut HashSet<*const ForeignTensor>,
}

impl Take<'_, '_> {
    /// Notes tensors as known without asking for their values.
    fn mark(&mut self, made: &Made) {
        let known: Vec<&Named> = match made {
            Made::Of(named) => vec![named],
            Made::Joined(parts) => parts.iter().collect(),
            Made::FoldedWeight(kernel, norm) => std::iter::once(kernel).chain(&norm.parts).collect(),
            Made::FoldedBias(norm) => norm.parts.iter().collect(),
        };
        self.used.extend(known.into_iter().filter_map(|n| self.index.find(n)).map(std::ptr::from_ref));
    }

    fn values(&mut self, made: &Made, shape: &[usize]) -> Result<Vec<f32>, Fault> {
        match made {
            Made::Of(named) => self.tensor(named, shape),
            Made::Joined(parts) => self.joined(parts, shape),
            Made::FoldedWeight(kernel, norm) => {
                let mut weight = self.tensor(kernel, shape)?;
                let factors = self.factors(norm, shape[0])?.0;
                let each = weight.len() / shape[0].max(1);
                for (filter, factor) in weight.chunks_exact_mut(each.max(1)).zip(factors) {
                    filter.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
                }
                Ok(weight)
            }
            Made::FoldedBias(norm) => {
                let (factors, shift, mean) = self.factors(norm, shape[0])?;
                let terms = factors.iter().zip(shift).zip(mean);
                Ok(terms.map(|((f, s), m)| (f64::from(s) - f64::from(m) * f) as f32).collect())
            }
        }
    }

    /// Tensors one behind the other along their first axis, which together must have as many rows as ours.
    fn joined(&mut self, parts: &[Named], shape: &[usize]) -> Result<Vec<f32>, Fault> {
        let (mut values, mut rows) = (Vec::new(), 0);
        for named in parts {
            let found = self.index.find(named).ok_or_else(|| Fault::Missing(named.names[0].clone()))?;
            let own = found.shape.first().copied().unwrap_or(0);
            let of_part: Vec<usize> = std::iter::once(own).chain(shape[1..].iter().copied()).collect();
            values.extend(self.tensor(named, &of_part)?);
            rows += own;
        }
        match rows == shape[0] {
            true => Ok(values),
            false => Err(Fault::Misshapen(format!(
                "{} and its neighbours have {rows} rows, not {}",
                parts[0].names[0], shape[0]
            ))),
        }
    }

    fn factors(&mut self, norm: &NormNames, channels: usize) -> Result<Factors, Fault> {
        let [scale, shift, mean, variance] = &norm.parts;
        let (scale, variance) = (self.tensor(scale, &[channels])?, self.tensor(variance, &[channels])?);
        let factor = |(s, v): (f32, f32)| f64::from(s) / (f64::from(v) + norm.eps).sqrt();
        let factors = scale.into_iter().zip(variance).map(factor).collect();
        Ok((factors, self.tensor(shift, &[channels])?, self.tensor(mean, &[channels])?))
    }

    /// A tensor's values in our layout.
    fn tensor(&mut self, named: &Named, shape: &[usize]) -> Result<Vec<f32>, Fault> {
        let found = self.index.find(named).ok_or_else(|| Fault::Missing(named.names[0].clone()))?;
        self.used.insert(std::ptr::from_ref(found));
        let mut colours = shape.to_vec();
        let sums = named.sums_colours && shape.get(1) == Some(&1);
        if sums && count(&found.shape).ok() == count(shape).ok().map(|n| 3 * n) {
            colours[1] = 3;
        }
        let expected = foreign_shape(named.layout, &colours);
        if found.shape != expected {
            return Err(Fault::Misshapen(format!("{} is {:?} instead of {expected:?}", found.name, found.shape)));
        }
        let values = rearrange(&found.values, named.layout, &colours);
        Ok(if colours == shape { values } else { sum_colours(&values, &colours) })
    }
}

/// The shape that a tensor of this shape here has in the file.
pub(super) fn foreign_shape(layout: Layout, shape: &[usize]) -> Vec<usize> {
    match (layout, shape) {
        (Layout::Hwio, &[o, i, h, w]) => vec![h, w, i, o],
        (Layout::Hwc1, &[c, one, h, w]) => vec![h, w, c, one],
        (Layout::InOut(_), &[o, i]) => vec![i, o],
        (Layout::Pointwise, &[o, i]) => vec![o, i, 1, 1],
        _ => shape.to_vec(),
    }
}

/// Values in the file's order to ours.
pub(super) fn rearrange(v: &[f32], layout: Layout, shape: &[usize]) -> Vec<f32> {
    match (layout, shape) {
        (Layout::Hwio, &[o, i, h, w]) => (0..v.len())
            .map(|k| (k / (i * h * w), k / (h * w) % i, k / w % h, k % w))
            .map(|(a, b, y, x)| v[((y * w + x) * i + b) * o + a])
            .collect(),
        (Layout::Hwc1, &[c, _, h, w]) => {
            (0..v.len()).map(|k| (k / (h * w), k / w % h, k % w)).map(|(a, y, x)| v[(y * w + x) * c + a]).collect()
        }
        (Layout::InOut(map), &[o, i]) => {
            let row = |k: usize| match map {
                Some([c, h, w]) => (k % (h * w)) * c + k / (h * w),
                None => k,
            };
            (0..v.len()).map(|k| v[row(k % i) * o + k / i]).collect()
        }
        _ => v.to_vec(),
    }
}

/// A kernel `[out, 3, rows, columns]` summed over its colours.
fn sum_colours(v: &[f32], shape: &[usize]) -> Vec<f32> {
    let plane: usize = shape[2..].iter().product();
    let sum = |o: usize, k: usize| (0..3).map(|c| f64::from(v[(o * 3 + c) * plane + k])).sum::<f64>() as f32;
    (0..shape[0] * plane).map(|i| sum(i / plane, i % plane)).collect()
}
