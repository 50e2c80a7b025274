//! PyTorch's `.pt` and `.pth` files as of version 1.6: a zip archive of a pickle and one member per storage.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use ferrotype_base::zip;

use super::pickle::{Id, Pickle, Value};
use super::tensors::Number;
use super::{Foreign, ForeignTensor, count, most_bytes};

/// Where training scripts put the weights beside other things.
const INSIDE: [&str; 6] = ["state_dict", "model_state_dict", "model_state", "model", "net", "weights"];
/// Dictionaries within dictionaries; weights stand at the first or second level.
const DEEPEST: usize = 4;
/// More tensors than any network has.
const MOST_TENSORS: usize = 100_000;

/// The tensors of a PyTorch file.
pub fn read(bytes: &[u8]) -> Result<Foreign> {
    let members = members(bytes).context("its zip archive cannot be read")?;
    let root = members.keys().filter_map(|name| name.strip_suffix("data.pkl")).min().with_context(|| {
        "it is a zip archive, but not one of PyTorch's (it has no data.pkl): torch.save(model.state_dict(), file) \
         writes one"
            .to_owned()
    })?;
    if members.get(&format!("{root}byteorder")).is_some_and(|order| *order != b"little") {
        bail!("it was written on a machine with another byte order: load and save it in PyTorch on a common one");
    }
    if members.keys().any(|name| name.starts_with(&format!("{root}code/"))) {
        bail!("it is a TorchScript program; save the weights alone: torch.save(model.state_dict(), file)");
    }
    let pickle = Pickle::read(members[&format!("{root}data.pkl")])?;
    let mut file = File { pickle: &pickle, members: &members, root, budget: most_bytes(bytes.len() as u64) / 4 };
    let mut foreign = Foreign { format: "PyTorch", ..Foreign::default() };
    file.declared(&mut foreign)?;
    let weights = file.weights(&mut foreign)?;
    file.collect(weights, "", 0, &mut foreign)?;
    Ok(foreign)
}

/// Names and contents of the archive. PyTorch stores its members, it never compresses them (its
/// `caffe2/serialize/inline_container.cc`).
fn members(bytes: &[u8]) -> Result<HashMap<String, &[u8]>> {
    let mut stored = HashMap::new();
    for member in zip::members(bytes)? {
        let Some(content) = member.stored() else {
            bail!("its member {} is compressed, which PyTorch never does", member.name);
        };
        stored.insert(member.name, content);
    }
    Ok(stored)
}

struct File<'a> {
    pickle: &'a Pickle,
    members: &'a HashMap<String, &'a [u8]>,
    root: &'a str,
    /// Values that may still be read: tensors can share memory, but not for ever.
    budget: u64,
}

impl File<'_> {
    /// The dictionary with the weights: the file's own, or one within it.
    fn weights(&self, foreign: &mut Foreign) -> Result<Id> {
        let root = self.pickle.root;
        let Some(top) = self.pickle.dict(root) else {
            bail!("it holds no dictionary of tensors: save it with torch.save(model.state_dict(), file)");
        };
        let is_dict = |id: Id| matches!(self.pickle.value(id), Value::Dict(_));
        let inside = INSIDE.iter().find_map(|name| top.iter().find(|(key, id)| key == name && is_dict(*id)));
        let Some(&(chosen, id)) = inside else { return Ok(root) };
        foreign.ignored.extend(top.iter().filter(|(key, _)| *key != chosen).map(|(key, _)| (*key).to_owned()));
        Ok(id)
    }

    /// What stands beside the weights and says something of the network.
    fn declared(&self, foreign: &mut Foreign) -> Result<()> {
        for (key, id) in self.pickle.dict(self.pickle.root).unwrap_or_default() {
            foreign.declared.note(key, &self.json(id))?;
        }
        Ok(())
    }

    /// Numbers and texts, and lists and dictionaries of such; all else is null.
    fn json(&self, id: Id) -> serde_json::Value {
        let plain = |id: Id| match self.pickle.value(id) {
            Value::Int(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            _ => serde_json::Value::Null,
        };
        match self.pickle.value(id) {
            Value::List(items) => items.iter().map(|&item| plain(item)).collect(),
            Value::Dict(pairs) => {
                let key = |id: Id| match plain(id) {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                pairs.iter().map(|&(k, v)| (key(k), plain(v))).collect()
            }
            _ => plain(id),
        }
    }

    fn collect(&mut self, id: Id, path: &str, depth: usize, foreign: &mut Foreign) -> Result<()> {
        let pickle = self.pickle;
        ensure!(depth < DEEPEST, "{path} lies {depth} dictionaries deep: no weights do");
        for (key, id) in pickle.dict(id).unwrap_or_default() {
            ensure!(foreign.tensors.len() < MOST_TENSORS, "it holds more than {MOST_TENSORS} tensors");
            let name = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            match pickle.value(id) {
                Value::Tensor { storage, offset, shape, stride } => {
                    let values =
                        self.tensor(*storage, *offset, shape, stride).with_context(|| format!("tensor {name}"))?;
                    foreign.push(ForeignTensor { name, shape: shape.clone(), values });
                }
                Value::Dict(_) => self.collect(id, &name, depth + 1, foreign)?,
                _ => foreign.ignored.push(name),
            }
        }
        Ok(())
    }

    fn tensor(&mut self, storage: Id, offset: usize, shape: &[usize], stride: &[usize]) -> Result<Vec<f32>> {
        let Value::Storage { kind, key } = self.pickle.value(storage) else { bail!("it has no storage") };
        let number = number(kind)?;
        let member = format!("{}data/{key}", self.root);
        let bytes = *self.members.get(&member).with_context(|| format!("the archive has no member {member}"))?;
        let held = bytes.len() / number.size();
        let wanted = count(shape)?;
        // A tensor may see a storage through steps, but not more of it than there is.
        let last = shape
            .iter()
            .zip(stride)
            .try_fold(offset, |at, (&n, &step)| at.checked_add(step.checked_mul(n.saturating_sub(1))?));
        let fits = wanted == 0 || last.is_some_and(|last| last < held);
        ensure!(
            fits && wanted <= held,
            "a shape of {shape:?} needs {wanted} values, but its storage holds {held}: the file is damaged or hostile"
        );
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let is_plain = is_plain(shape, stride);
        self.budget = self
            .budget
            .checked_sub(if is_plain { wanted } else { held } as u64)
            .context("its tensors are together far larger than the file: it is hostile")?;
        if is_plain {
            return number.values(&bytes[offset * number.size()..(offset + wanted) * number.size()]);
        }
        let all = number.values(&bytes[..held * number.size()])?;
        Ok((0..wanted).map(|i| all[offset + strided(i, shape, stride)]).collect())
    }
}

/// Whether the values stand one after another.
fn is_plain(shape: &[usize], stride: &[usize]) -> bool {
    let mut step = 1;
    shape.iter().zip(stride).rev().all(|(&n, &s)| {
        let plain = n == 1 || s == step;
        step *= n;
        plain
    })
}

/// The place of value `i` of a tensor in its storage.
fn strided(mut i: usize, shape: &[usize], stride: &[usize]) -> usize {
    let mut at = 0;
    for (&n, &step) in shape.iter().zip(stride).rev() {
        at += i % n * step;
        i /= n;
    }
    at
}

fn number(kind: &str) -> Result<Number> {
    Ok(match kind {
        "torch.FloatStorage" => Number::F32,
        "torch.DoubleStorage" => Number::F64,
        "torch.HalfStorage" => Number::F16,
        "torch.BFloat16Storage" => Number::Bf16,
        "torch.LongStorage" => Number::I64,
        "torch.IntStorage" => Number::I32,
        "torch.ShortStorage" => Number::I16,
        "torch.CharStorage" => Number::I8,
        "torch.ByteStorage" | "torch.BoolStorage" => Number::U8,
        other => bail!("a storage of {other} is not one of numbers"),
    })
}
