//! Safetensors files, whoever wrote them.

use anyhow::{Context, Result, anyhow, bail};
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::Value;

use super::{Declared, Foreign, ForeignTensor};

/// The tensors of a safetensors file. The library checks every size in the header against the length of the file.
pub fn read(bytes: &[u8]) -> Result<Foreign> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| anyhow!("it is cut off, damaged, or no safetensors file ({e}): fetch it again"))?;
    let mut foreign = Foreign { format: "safetensors", declared: declared(bytes)?, ..Foreign::default() };
    for (name, view) in file.iter() {
        let kind = match view.dtype() {
            Dtype::F32 => Number::F32,
            Dtype::F64 => Number::F64,
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::Bf16,
            Dtype::I64 | Dtype::U64 => Number::I64,
            Dtype::I32 | Dtype::U32 => Number::I32,
            Dtype::I16 | Dtype::U16 => Number::I16,
            Dtype::I8 => Number::I8,
            Dtype::U8 | Dtype::BOOL => Number::U8,
            other => bail!("tensor {name} holds {other:?}, which no network here is made of"),
        };
        let values = kind.values(view.data()).with_context(|| format!("tensor {name}"))?;
        foreign.push(ForeignTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    // The library's order is its own.
    foreign.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    foreign.ignored.sort();
    Ok(foreign)
}

/// What the header's metadata, which are texts, say of the network. Ferrotype's own say it in JSON under `ferrotype`.
fn declared(bytes: &[u8]) -> Result<Declared> {
    let mut declared = Declared::default();
    let Ok((_, header)) = SafeTensors::read_metadata(bytes) else { return Ok(declared) };
    for (name, text) in header.metadata().iter().flatten() {
        let listed = || text.split(',').map(|name| name.trim().into()).collect::<Vec<Value>>().into();
        let value: Value = serde_json::from_str(text).unwrap_or_else(|_| listed());
        match (name.as_str(), value) {
            ("ferrotype", Value::Object(own)) => declared.note("classes", &own["classes"])?,
            (_, value) => declared.note(name, &value)?,
        }
    }
    Ok(declared)
}

/// A kind of number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// 8 bytes.
    I64,
    /// 4 bytes.
    I32,
    /// 2 bytes.
    I16,
    /// One byte with a sign.
    I8,
    /// One byte without.
    U8,
}

impl Number {
    /// Bytes per number.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    /// The numbers as `f32`.
    pub fn values(self, bytes: &[u8]) -> Result<Vec<f32>> {
        if !bytes.len().is_multiple_of(self.size()) {
            bail!("{} bytes are no whole number of values of {}", bytes.len(), self.size());
        }
        let read = |b: &[u8]| -> f32 {
            match (self, b) {
                (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
                (Self::I32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32,
                (Self::F64, b) => b.try_into().map_or(f32::NAN, |b| f64::from_le_bytes(b) as f32),
                (Self::I64, b) => b.try_into().map_or(f32::NAN, |b| i64::from_le_bytes(b) as f32),
                (Self::F16, &[a, b]) => half(u16::from_le_bytes([a, b])),
                (Self::Bf16, &[a, b]) => f32::from_le_bytes([0, 0, a, b]),
                (Self::I16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])),
                (Self::I8, &[a]) => f32::from(a as i8),
                (Self::U8, &[a]) => f32::from(a),
                _ => f32::NAN,
            }
        };
        Ok(bytes.chunks_exact(self.size()).map(read).collect())
    }
}

/// A half-precision number.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.array([...], "<f2").tobytes()` and PyTorch's bfloat16.
    #[test]
    fn numbers_of_all_kinds_become_single_precision() {
        let half = [0x3c00u16, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000].map(u16::to_le_bytes).concat();
        let values = Number::F16.values(&half).unwrap();
        assert_eq!(values, [1.0, -2.0, 0.333_251_95, 5.960_464_5e-8, 65504.0, 0.0]);
        assert_eq!(Number::Bf16.values(&0x3fc0u16.to_le_bytes()).unwrap(), [1.5]);
        assert_eq!(Number::F64.values(&0.1f64.to_le_bytes()).unwrap(), [0.1f32]);
        assert_eq!(Number::I64.values(&(-3i64).to_le_bytes()).unwrap(), [-3.0]);
        assert!(Number::F32.values(&[0; 6]).is_err());
    }
}
