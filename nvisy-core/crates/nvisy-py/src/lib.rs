//! The extension module `nvisy._core`: the one place where the engine and the bridge meet.
//! It wires and converts; a decision taken here belongs somewhere else.

mod contract;
mod lifecycle;
mod wait;
mod session;
mod engine;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use crate::contract::{schemas, validate, version};
    #[pymodule_export]
    use crate::engine::{Engine, PlanError, Run};
    #[pymodule_export]
    use crate::lifecycle::stop;
    #[pymodule_export]
    use crate::session::{Pending, Session, Stream};
    #[pymodule_export]
    use nvisy_bridge::{BridgeError, IncomingBatch, Link};
}
