//! Systems in memory with providers in plain Rust: what the engine's own tests move data between. A system outlives the
//! engine that writes to it, as a real one would, so a test can crash the engine and look at what is left.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of the support")]

mod objects;
mod source;
mod sink;

#[allow(unused_imports, reason = "each test file uses its own part of the support")]
pub use self::{
    objects::Objects,
    sink::{Death, Shelf, Table},
    source::{Contexts, Rows},
};

use nvisy_dal::{
    Ability, Capability, CapabilityState, Category, Connector, ContextKind, CredentialShape, DataKind,
    Manifest, ProtocolRange, WriteMode,
};
use nvisy_engine::{Engine, Outcome, Providers, Start};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The providers of one test.
#[derive(Default, Clone)]
pub struct Installed(BTreeMap<String, Arc<dyn Connector>>);

impl Installed {
    pub fn with(mut self, name: &str, connector: impl Connector + 'static) -> Self {
        self.0.insert(name.to_owned(), Arc::new(connector));
        self
    }
}

impl Providers for Installed {
    fn find(&self, name: &str) -> Option<Arc<dyn Connector>> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

pub fn manifest(name: &str, category: Category, kind: DataKind, abilities: &[Ability]) -> Manifest {
    let full = Capability { state: CapabilityState::Full, mechanism: None, limits: BTreeMap::new() };
    let reads = abilities.contains(&Ability::Read);
    let properties = match category {
        Category::Relational => {
            json!({"table": {"type": "string"}, "key": {"type": "array"}, "mode": {"type": "string"}})
        }
        _ => json!({"prefix": {"type": "string"}, "mode": {"type": "string"}}),
    };
    Manifest {
        protocol: ProtocolRange { min: 1, max: 1 },
        name: name.parse().unwrap(),
        title: name.to_owned(),
        category,
        kinds: vec![kind],
        contexts: if reads { vec![ContextKind::Keyset] } else { Vec::new() },
        modes: vec![WriteMode::Append, WriteMode::Upsert, WriteMode::Replace],
        abilities: abilities.iter().map(|ability| (*ability, full.clone())).collect(),
        features: BTreeMap::new(),
        credential_shape: CredentialShape::None,
        credentials: Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), json!({})),
        ]),
        params: Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), properties),
            ("additionalProperties".to_owned(), json!(false)),
        ]),
        uri: None,
    }
}

/// Run a workflow to its end on a runtime of its own.
pub fn run(home: &Path, installed: &Installed, workflow: &str, start: Start) -> Arc<Outcome> {
    runtime().block_on(async {
        let engine = Engine::open(home, Arc::new(installed.clone())).unwrap();
        let plan = engine.plan(workflow, home).unwrap_or_else(|problems| panic!("{problems:?}"));
        engine.start(plan, start).unwrap().outcome().await.unwrap()
    })
}

/// Begin a workflow and pull the process from under it once `crashed` says so.
pub fn crash(home: &Path, installed: &Installed, workflow: &str, crashed: &tokio::sync::Notify) {
    let runtime = runtime();
    runtime.block_on(async {
        let engine = Engine::open(home, Arc::new(installed.clone())).unwrap();
        let plan = engine.plan(workflow, home).unwrap_or_else(|problems| panic!("{problems:?}"));
        let run = engine.start(plan, Start::Continue).unwrap();
        tokio::select! {
            () = crashed.notified() => {}
            _ = run.outcome() => {}
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
