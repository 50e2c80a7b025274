//! Tests of all kernels but the convolutions, against plain `f64` references.

mod activations;
mod attention;
mod batch_norm;
mod dropout;
mod functions;
mod gates;
mod loss;
mod optim;
mod pool;
mod recurrent;
mod reduce;
mod support;
