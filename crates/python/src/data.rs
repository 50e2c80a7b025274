//! Prepared files: their numbers are shown to NumPy where they lie.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::raised;

/// A prepared file of pictures.
#[pyclass(frozen, module = "ferrotype._native")]
pub struct Dataset {
    inner: Arc<ferrotype::Dataset>,
}

/// Numbers of a dataset as NumPy's array interface describes them: `numpy.asarray` shows them without a copy, and keeps the dataset.
#[pyclass(frozen, module = "ferrotype._native")]
pub struct Array {
    owner: Arc<ferrotype::Dataset>,
    what: Numbers,
}

#[derive(Clone, Copy)]
enum Numbers {
    Pixels,
    Labels,
    Votes,
    SourceRows,
}

#[pymethods]
impl Array {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let faces = &*self.owner;
        let (address, shape, kind) = match self.what {
            Numbers::Pixels => (faces.pixels().as_ptr().expose_provenance(), faces.shape().to_vec(), "|u1"),
            Numbers::Labels => (faces.labels().as_ptr().expose_provenance(), vec![faces.labels().len()], native("i2")),
            Numbers::SourceRows => {
                (faces.source_rows().as_ptr().expose_provenance(), vec![faces.source_rows().len()], native("u4"))
            }
            Numbers::Votes => {
                let (votes, columns) = faces.votes().unwrap_or_default();
                (votes.as_ptr().expose_provenance(), vec![votes.len() / columns.len().max(1), columns.len()], "|u1")
            }
        };
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", pyo3::types::PyTuple::new(py, shape)?)?;
        interface.set_item("typestr", kind)?;
        // Read only: the numbers may be shown to several at once.
        interface.set_item("data", (address, true))?;
        Ok(interface)
    }
}

/// A type's name with this machine's order of bytes.
fn native(kind: &'static str) -> &'static str {
    match (cfg!(target_endian = "little"), kind) {
        (true, "i2") => "<i2",
        (true, _) => "<u4",
        (false, "i2") => ">i2",
        (false, _) => ">u4",
    }
}

#[pymethods]
impl Dataset {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = py.detach(|| ferrotype::Dataset::open(path));
        Ok(Self { inner: Arc::new(read.map_err(raised)?) })
    }

    fn pixels(&self) -> Array {
        self.array(Numbers::Pixels)
    }

    fn labels(&self) -> Array {
        self.array(Numbers::Labels)
    }

    fn source_rows(&self) -> Array {
        self.array(Numbers::SourceRows)
    }

    fn votes(&self) -> Option<(Array, Vec<String>)> {
        self.inner.votes().map(|(_, columns)| (self.array(Numbers::Votes), columns.to_vec()))
    }

    fn classes(&self) -> Vec<String> {
        self.inner.classes().to_vec()
    }

    fn parts(&self) -> Vec<&'static str> {
        self.inner.parts().collect()
    }

    fn subjects(&self) -> Option<Vec<String>> {
        self.inner.subjects().map(<[String]>::to_vec)
    }

    fn names(&self) -> Vec<String> {
        self.inner.names().to_vec()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}

impl Dataset {
    fn array(&self, what: Numbers) -> Array {
        Array { owner: self.inner.clone(), what }
    }
}
