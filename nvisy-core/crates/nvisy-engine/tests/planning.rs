//! Definition to plan: every problem at once, each with its node, code and fix; and what a plan promises.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod support;

use nvisy_dal::{Ability, Category, Connect, Connector, DataKind, Manifest, Provider, Result};
use nvisy_engine::{Guarantee, Plan, Problem, Severity, compile};
use serde_json::json;
use std::path::Path;
use support::{Contexts, Installed, Rows, Shelf, Table, manifest};

fn installed() -> Installed {
    Installed::default()
        .with("rows", Rows::new([], Contexts::Keyset, 1))
        .with("table", Table::new(true))
        .with("plain", Table::new(false))
        .with("shelf", Shelf::new())
        .with("guarded", Guarded::new())
}

/// A provider that wants a password and a path; planning never opens it.
struct Guarded(Manifest);

impl Guarded {
    fn new() -> Self {
        let mut manifest = manifest("guarded", Category::Relational, DataKind::Record, &[Ability::Read]);
        let secret = json!({"type": "string", "format": "password", "writeOnly": true});
        manifest
            .credentials
            .insert("properties".into(), json!({"password": secret, "note": {"type": "string"}}));
        manifest.credentials.insert("required".into(), json!(["password"]));
        manifest.params.insert(
            "properties".into(),
            json!({"path": {"type": "string", "format": "path"}, "table": {"type": "string"}}),
        );
        Self(manifest)
    }
}

impl Connector for Guarded {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn connect(&self, _: Connect) -> nvisy_dal::BoxFuture<'_, Result<Box<dyn Provider>>> {
        panic!("planning connects to nothing")
    }
}

fn plan(text: &str) -> std::result::Result<Plan, Vec<Problem>> {
    compile(text, Path::new("/base"), &installed())
}

fn codes(text: &str) -> Vec<(String, &'static str)> {
    let problems = plan(text).err().unwrap_or_else(|| panic!("this plans: {text}"));
    problems.into_iter().map(|problem| (problem.node.unwrap_or_default(), problem.code)).collect()
}

/// A file full of faults is answered with all of them, by node.
#[test]
fn compile_reports_every_problem_at_once() {
    let found = codes(
        "
version: 1
name: many
connections:
  a: {provider: rowz}
  b: {provider: table, credentials: {pasword: x}}
  c: {provider: shelf}
  idle: {provider: rows}
nodes:
  - {id: in, read: a, params: {table: t}}
  - {id: wrong, transform: selct, from: in, params: {columns: [x]}}
  - {id: out, write: b, from: [wrong, inn], params: {tabel: t, key: 7}}
  - {id: lost, transform: drop, from: in, params: {columns: x}}
  - {id: round, transform: drop, from: round, params: {columns: [x]}}
",
    );
    for expected in [
        ("a", "unknown_provider"),
        ("b", "unknown_credential"),
        ("wrong", "unknown_transform"),
        ("out", "unknown_param"),
        ("out", "params"),
        ("out", "unknown_node"),
        ("lost", "params"),
        ("lost", "dead_end"),
        ("round", "circle"),
        ("idle", "unused_connection"),
        ("c", "unused_connection"),
    ] {
        assert!(found.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} is not in {found:?}");
    }
}

/// The shape of the file is judged as a whole too.
#[test]
fn parse_reports_every_problem_of_shape() {
    let found = codes(
        "version: 2\nnmae: x\nconnections: []\nnodes:\n  - {id: a b, read: x, write: y, colour: red}\n  - 7\n",
    );
    let expected = ["version", "name", "connections", "id", "action", "unknown_field", "shape"];
    for code in expected {
        assert!(found.iter().any(|(_, known)| *known == code), "{code} is not in {found:?}");
    }
    assert_eq!(codes("a: [")[0].1, "syntax");
    assert_eq!(codes("{\"version\": 1,}")[0].1, "syntax");
}

/// Faults of shape hide no others: providers, parameters and edges of the rest are judged all the same, and what could
/// not be read is not blamed twice.
#[test]
fn faults_of_shape_hide_no_others() {
    let mut found = codes(
        "
version: 2
name: x
connections: {a: {provider: rowz}, b: {provider: table}, c: 7}
nodes:
  - {id: in, read: a}
  - {id: odd, read: a, write: b}
  - {id: out, write: b, from: [odd], params: {tabel: t}}
  - {id: out, write: c, from: in}
",
    );
    found.sort();
    let expected = [
        ("", "version"),
        ("a", "unknown_provider"),
        ("c", "shape"),
        ("odd", "action"),
        ("out", "duplicate_node"),
        ("out", "unknown_param"),
    ];
    assert_eq!(found, expected.map(|(node, code)| (node.to_owned(), code)));
}

/// A near miss is answered with the name that was meant.
#[test]
fn hints_name_what_was_meant() {
    let problems = plan("version: 1\nname: x\nconnections: {a: {provider: rowz}, b: {provider: table}}\nnodes:\n  - {id: i, read: a}\n  - {id: o, write: b, params: {tabel: t}}\n").err().unwrap();
    let hints: Vec<&str> = problems.iter().map(|problem| problem.hint.as_str()).collect();
    assert!(hints.contains(&"did you mean `rows`?") && hints.contains(&"did you mean `table`?"), "{hints:?}");
}

/// Kinds must fit along every edge; the hint says which step is missing.
#[test]
fn kinds_must_fit() {
    let text = "version: 1\nname: x\nconnections: {a: {provider: rows}, c: {provider: shelf}}\nnodes:\n  - {id: i, read: a}\n  - {id: o, write: c}\n";
    let problems = plan(text).err().unwrap();
    assert_eq!(
        (problems[0].code, problems[0].hint.as_str()),
        ("kind", "add a `transform: encode` before it")
    );
    let text = text.replace("  - {id: o", "  - {id: e, transform: decode}\n  - {id: o");
    assert!(codes(&text).contains(&("e".into(), "kind")));
}

/// The guarantee of each pair is computed and says why; the run promises the weakest.
#[test]
fn plan_computes_the_guarantee_of_each_pair() {
    let plan = plan(
        "
version: 1
name: x
connections: {a: {provider: rows}, b: {provider: table}, p: {provider: plain}, c: {provider: shelf}}
nodes:
  - {id: i, read: a}
  - {id: exact, write: b, params: {mode: append}}
  - {id: keyed, write: p, from: i, params: {key: [id]}}
  - {id: loose, write: p, from: i, params: {mode: append}}
  - {id: e, transform: encode, from: i, params: {format: jsonl}}
  - {id: files, write: c}
",
    )
    .unwrap_or_else(|problems| panic!("{problems:?}"));
    let described = plan.describe();
    let guarantees: Vec<_> = described["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["sink"].as_str().unwrap(), p["guarantee"].as_str().unwrap()))
        .collect();
    assert_eq!(
        guarantees,
        [
            ("exact", "exactly_once"),
            ("keyed", "effectively_once"),
            ("loose", "at_least_once"),
            ("files", "effectively_once")
        ]
    );
    assert_eq!(plan.guarantee(), Guarantee::AtLeastOnce);
    let edges = described["paths"][3]["edges"].as_array().unwrap();
    let kinds: Vec<_> = edges.iter().map(|edge| edge["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["record", "object"]);
}

/// A secret written out earns a warning that does not repeat it; a reference does not; a missing one is an error.
#[test]
fn literal_secrets_earn_a_warning() {
    let text = |password: &str| {
        format!(
            "version: 1\nname: x\nconnections: {{a: {{provider: guarded, credentials: {{password: '{password}', note: plain}}, params: {{path: rel}}}}, b: {{provider: table}}}}\nnodes:\n  - {{id: i, read: a}}\n  - {{id: o, write: b, params: {{mode: append}}}}\n"
        )
    };
    let planned = plan(&text("hunter2")).unwrap_or_else(|problems| panic!("{problems:?}"));
    let warnings = planned.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!((warnings[0].code, warnings[0].severity), ("literal_secret", Severity::Warning));
    assert!(!format!("{warnings:?}").contains("hunter2"));
    assert!(
        plan(&text("${env:PASSWORD}"))
            .unwrap_or_else(|problems| panic!("{problems:?}"))
            .warnings()
            .is_empty()
    );
    assert!(codes(&text("x").replace("password: 'x', ", "")).contains(&("a".into(), "missing_credential")));
}
