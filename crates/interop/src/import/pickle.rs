//! A reader of the pickles that PyTorch writes. It builds dictionaries, lists, numbers and descriptions of tensors, and
//! runs nothing: the few functions that such files call are known by name and done here, every other one is refused.
//!
//! Opcodes are those of Python's `pickletools`, protocols 0 to 5 as far as PyTorch uses them. Values live in one list
//! and refer to each other by number, so that neither depth nor cycles can exhaust anything.

mod machine;

use anyhow::{Context, Result};

use machine::Machine;

/// A value's number.
pub type Id = usize;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What opens a group of values on the stack.
    Mark,
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes: nothing here looks into them.
    Bytes,
    /// A tuple or list.
    List(Vec<Id>),
    /// A dictionary.
    Dict(Vec<(Id, Id)>),
    /// A known function or class.
    Global(&'static str),
    /// A tensor's memory: kind of number and the name of the file that holds it.
    Storage {
        /// The class of the storage, such as `torch.FloatStorage`.
        kind: &'static str,
        /// The member of the archive.
        key: String,
    },
    /// A tensor in a storage; sizes are in numbers, not bytes.
    Tensor {
        /// The [`Value::Storage`].
        storage: Id,
        /// Where it begins.
        offset: usize,
        /// Its shape.
        shape: Vec<usize>,
        /// Steps along its axes.
        stride: Vec<usize>,
    },
}

/// A finished pickle.
pub struct Pickle {
    values: Vec<Value>,
    /// The value that it is.
    pub root: Id,
}

impl Pickle {
    /// Reads a pickle.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut machine = Machine::new(bytes);
        let root = machine.run().with_context(|| format!("at byte {} of the pickle", machine.at()))?;
        Ok(Self { values: machine.into_values(), root })
    }

    /// A value by its number.
    pub fn value(&self, id: Id) -> &Value {
        &self.values[id]
    }

    /// The pairs of a dictionary whose keys are texts.
    pub fn dict(&self, id: Id) -> Option<Vec<(&str, Id)>> {
        let Value::Dict(pairs) = self.value(id) else { return None };
        let text = |id: Id| if let Value::Text(t) = self.value(id) { Some(t.as_str()) } else { None };
        Some(pairs.iter().filter_map(|&(k, v)| Some((text(k)?, v))).collect())
    }
}
