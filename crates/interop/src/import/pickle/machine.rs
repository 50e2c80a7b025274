//! The instructions of a pickle, one after another.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

use super::{Id, Value};

/// What a pickle may name. `module.name`, as it stands in the file.
const GLOBALS: [&str; 18] = [
    "collections.OrderedDict",
    "torch.Size",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "torch.device",
    "torch.serialization._get_layout",
];

/// The machine that a pickle is a program for.
pub struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    /// Before the first instruction.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, values: Vec::new(), stack: Vec::new(), memo: HashMap::new() }
    }

    /// The next byte to be read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// All values.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Runs to the end; gives the number of the value that the pickle is.
    pub fn run(&mut self) -> Result<Id> {
        loop {
            let op = self.take(1)?[0];
            match op {
                b'.' => return self.pop(),
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'(' => self.push(Value::Mark),
                b'N' => self.push(Value::None),
                0x88 => self.push(Value::Bool(true)),
                0x89 => self.push(Value::Bool(false)),
                b'J' => self.int(4, true)?,
                b'K' => self.int(1, false)?,
                b'M' => self.int(2, false)?,
                0x8a => {
                    let length = self.number(1)? as usize;
                    self.long(length)?;
                }
                b'G' => {
                    let bytes: [u8; 8] = self.take(8)?.try_into()?;
                    self.push(Value::Float(f64::from_be_bytes(bytes)));
                }
                b'X' => self.text(4)?,
                0x8c => self.text(1)?,
                0x8d => self.text(8)?,
                b'U' => self.text(1)?,
                b'T' => self.text(4)?,
                b'C' => self.skip_bytes(1)?,
                b'B' => self.skip_bytes(4)?,
                0x8e => self.skip_bytes(8)?,
                b')' | b']' | 0x8f => self.push(Value::List(Vec::new())),
                b'}' => self.push(Value::Dict(Vec::new())),
                b't' | b'l' | 0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Value::List(items));
                }
                0x85..=0x87 => {
                    let from = self.stack.len().checked_sub(usize::from(op - 0x84)).context("the stack is empty")?;
                    let items = self.stack.split_off(from);
                    self.push(Value::List(items));
                }
                b'd' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Dict(pairs(&items)?));
                }
                b'a' | b'e' | 0x90 => {
                    let items = if op == b'a' { vec![self.pop()?] } else { self.pop_mark()? };
                    self.extend(items)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set(vec![(key, value)])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set(pairs(&items)?)?;
                }
                b'q' => self.remember(1)?,
                b'r' => self.remember(4)?,
                0x94 => {
                    let (key, top) = (self.memo.len() as u64, self.top()?);
                    self.memo.insert(key, top);
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let words = (self.values[module].clone(), self.values[name].clone());
                    let (Value::Text(module), Value::Text(name)) = words else { bail!("a name is no text") };
                    self.global(&module, &name)?;
                }
                b'Q' => self.storage()?,
                b'R' | 0x81 => self.call()?,
                // State of an object: of a dictionary's attributes (OrderedDict's `_metadata`) nothing is needed.
                b'b' => drop(self.pop()?),
                other => bail!(
                    "it uses the instruction 0x{other:02x}, which PyTorch's files of tensors do not: save the \
                     state_dict() alone"
                ),
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).filter(|&e| e <= self.bytes.len());
        let end = end.context("the pickle ends too early: the file is cut off or damaged")?;
        let part = &self.bytes[self.at..end];
        self.at = end;
        Ok(part)
    }

    fn number(&mut self, bytes: usize) -> Result<u64> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |sum, &b| sum << 8 | u64::from(b)))
    }

    fn line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&b| b == b'\n').context("the pickle ends within a name")?;
        let text = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(text)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Result<Id> {
        self.stack.pop().context("the stack is empty: the pickle is damaged")
    }

    fn top(&self) -> Result<Id> {
        self.stack.last().copied().context("the stack is empty: the pickle is damaged")
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.stack.iter().rposition(|&id| self.values[id] == Value::Mark);
        let items = self.stack.split_off(mark.context("a group has no beginning: the pickle is damaged")?);
        Ok(items[1..].to_vec())
    }

    fn int(&mut self, bytes: usize, signed: bool) -> Result<()> {
        let value = self.number(bytes)? as i64;
        self.push(Value::Int(if signed { i64::from(value as i32) } else { value }));
        Ok(())
    }

    /// A whole number of so many bytes, with a sign. Longer ones than 8 are no size of a tensor.
    fn long(&mut self, length: usize) -> Result<()> {
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let fill = if negative { -1i64 } else { 0 };
        let value = if length > 8 { fill } else { bytes.iter().rev().fold(fill, |sum, &b| sum << 8 | i64::from(b)) };
        self.push(Value::Int(value));
        Ok(())
    }

    fn text(&mut self, width: usize) -> Result<()> {
        let length = self.number(width)?;
        let text = String::from_utf8_lossy(self.take(usize::try_from(length)?)?).into_owned();
        self.push(Value::Text(text));
        Ok(())
    }

    fn skip_bytes(&mut self, width: usize) -> Result<()> {
        let length = self.number(width)?;
        self.take(usize::try_from(length)?)?;
        self.push(Value::Bytes);
        Ok(())
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<()> {
        let top = self.top()?;
        let Value::List(list) = &mut self.values[top] else { bail!("something is added to what is no list") };
        list.extend(items);
        Ok(())
    }

    fn set(&mut self, items: Vec<(Id, Id)>) -> Result<()> {
        let top = self.top()?;
        let Value::Dict(dict) = &mut self.values[top] else { bail!("something is added to what is no dictionary") };
        dict.extend(items);
        Ok(())
    }

    fn remember(&mut self, width: usize) -> Result<()> {
        let (key, top) = (self.number(width)?, self.top()?);
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<()> {
        let key = self.number(width)?;
        let id = *self.memo.get(&key).context("it refers to a value that is not there: the pickle is damaged")?;
        self.stack.push(id);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let full = format!("{module}.{name}");
        let Some(known) = GLOBALS.into_iter().find(|g| *g == full) else {
            bail!(
                "the file asks for {full}, which is refused: unpickling it would run code. Weights alone need no such \
                 thing; in PyTorch save them with torch.save(model.state_dict(), file)"
            );
        };
        self.push(Value::Global(known));
        Ok(())
    }

    /// `("storage", class, key, place, size)`.
    fn storage(&mut self) -> Result<()> {
        let id = self.pop()?;
        let Value::List(items) = &self.values[id] else { bail!("a storage is not described as PyTorch does it") };
        let parts: Vec<&Value> = items.iter().map(|&i| &self.values[i]).collect();
        let value = match parts.as_slice() {
            [Value::Text(word), Value::Global(kind), Value::Text(key), ..] if word == "storage" => {
                Value::Storage { kind, key: key.clone() }
            }
            _ => bail!("a storage is not described as PyTorch does it"),
        };
        self.push(value);
        Ok(())
    }

    /// A call of a known function.
    fn call(&mut self) -> Result<()> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Global(function) = self.values[function] else { bail!("something is called that is no function") };
        let Value::List(arguments) = &self.values[arguments] else { bail!("{function} is called without arguments") };
        let first = arguments.first().copied();
        match function {
            "collections.OrderedDict" => {
                ensure!(first.is_none(), "{function} is called with arguments");
                self.push(Value::Dict(Vec::new()));
            }
            "torch.Size" | "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                self.stack.push(first.with_context(|| format!("{function} is called without arguments"))?);
            }
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
                let &[storage, offset, shape, stride, ..] = arguments.as_slice() else {
                    bail!("{function} is called with {} arguments", arguments.len());
                };
                let sizes = (self.sizes(shape)?, self.sizes(stride)?, self.size(offset)?);
                ensure!(matches!(self.values[storage], Value::Storage { .. }), "a tensor has no storage");
                ensure!(sizes.0.len() == sizes.1.len(), "a tensor's shape and strides differ in length");
                self.push(Value::Tensor { storage, offset: sizes.2, shape: sizes.0, stride: sizes.1 });
            }
            // A device, a memory layout: nothing of a tensor's values.
            _ => self.push(Value::None),
        }
        Ok(())
    }

    fn size(&self, id: Id) -> Result<usize> {
        match self.values[id] {
            Value::Int(n) => usize::try_from(n).with_context(|| format!("a tensor has a size of {n}")),
            _ => bail!("a tensor's size is no number"),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>> {
        let Value::List(items) = &self.values[id] else { bail!("a tensor's shape is no list") };
        ensure!(items.len() <= 8, "a tensor has {} axes", items.len());
        items.iter().map(|&i| self.size(i)).collect()
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>> {
    ensure!(items.len().is_multiple_of(2), "a dictionary has a key without a value: the pickle is damaged");
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}
