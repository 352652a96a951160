//! The golden vectors of `tests/vectors`, which the Python tests read too: what is valid is written back byte for byte,
//! what is invalid is refused.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test whose input cannot be made should stop")]

use nvisy_dal::{ErrorKind, schemas, validate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Shapes whose text is never written; `validate` answers `null` for them.
const SECRET: [&str; 4] = ["KeyPairCredentials", "NoCredentials", "PasswordCredentials", "TokenCredentials"];

struct Vector {
    shape: String,
    text: String,
    canonical: Option<String>,
    why: String,
}

fn files() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors");
    let entries = std::fs::read_dir(folder).expect("the vectors are part of the repository");
    let read = |path: std::path::PathBuf| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    entries.map(|entry| read(entry.unwrap().path())).collect()
}

fn vectors() -> Vec<Vector> {
    let text = |value: &Value| value.as_str().expect("a vector is text").to_owned();
    let mut found = Vec::new();
    for file in files() {
        for (shape, parts) in file["shapes"].as_object().expect("shapes by name") {
            let of = |part: &str| parts[part].as_array().expect("a list of vectors").clone();
            let vector = |text, canonical, why| Vector { shape: shape.clone(), text, canonical, why };
            found.extend(of("valid").iter().map(|v| vector(text(v), Some(text(v)), "canonical".to_owned())));
            found.extend(
                of("accepted")
                    .iter()
                    .map(|v| vector(text(&v["json"]), Some(text(&v["canonical"])), "rewritten".to_owned())),
            );
            found.extend(of("invalid").iter().map(|v| vector(text(&v["json"]), None, text(&v["why"]))));
        }
    }
    found
}

/// Every shape has vectors of both kinds; without this the others could pass with nothing to read.
#[test]
fn vectors_cover_every_shape_both_ways() {
    let vectors = vectors();
    let shapes: BTreeSet<_> = schemas().keys().map(|name| (*name).to_owned()).collect();
    for accepted in [true, false] {
        let covered = vectors.iter().filter(|v| v.canonical.is_some() == accepted);
        assert_eq!(covered.map(|v| v.shape.clone()).collect::<BTreeSet<_>>(), shapes);
    }
}

/// A valid text is written back byte for byte, another accepted one in its canonical form.
#[test]
fn vector_is_written_byte_for_byte_when_it_is_accepted() {
    for Vector { shape, text, canonical, why } in vectors() {
        let Some(canonical) = canonical else { continue };
        let expected = if SECRET.contains(&shape.as_str()) { "null".to_owned() } else { canonical };
        assert_eq!(validate(&shape, &text).as_ref(), Ok(&expected), "{shape}, {why}: {text}");
    }
}

/// An invalid text is refused with a sentence.
#[test]
fn vector_is_refused_when_it_is_invalid() {
    for Vector { shape, text, canonical, why } in vectors() {
        if canonical.is_none() {
            let refused = validate(&shape, &text).expect_err(&format!("{shape}, {why}: {text}"));
            assert!(!refused.is_empty());
        }
    }
}

/// An error kind is retryable exactly when the vectors say, and is written as its own word.
#[test]
fn error_kinds_follow_the_table_of_the_vectors() {
    let file = files().into_iter().find(|file| file.get("retryable").is_some()).expect("error.json");
    let table = file["retryable"].as_object().expect("kind to retryable");
    assert_eq!(table.len(), ErrorKind::ALL.len());
    for kind in ErrorKind::ALL {
        assert_eq!(table[kind.as_str()], kind.retryable(), "{}", kind.as_str());
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}

/// A name that is no shape is refused and named.
#[test]
fn validate_names_the_shape_when_there_is_none() {
    assert!(validate("Nonsense", "{}").unwrap_err().contains("Nonsense"));
}
