//! The extension module `nvisy_plugin_postgres._native`: the codec behind Python objects, and Arrow through capsules.
//! It converts and lets go of the interpreter; what a value means is decided in `nvisy-postgres-copy`.

mod decoder;
mod batch;
mod encoder;
mod capsule;
mod error;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use crate::batch::Batch;
    #[pymodule_export]
    use crate::decoder::Decoder;
    #[pymodule_export]
    use crate::encoder::{Encoder, Stream};
    #[pymodule_export]
    use crate::error::CopyError;
}
