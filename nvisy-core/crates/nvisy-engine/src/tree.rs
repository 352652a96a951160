//! A source's batches on their way through the steps to the ends of its paths. A step shared by several paths is applied
//! once; what belongs to one path alone (where it resumes, its encode) stays at the path's end.

use crate::decode::Decode;
use crate::encode::Encode;
use crate::parcel::{Parcel, Refusal};
use crate::plan::{Branch, Path, StepSpec};
use crate::position::Position;
use arrow_schema::SchemaRef;
use nvisy_dal::{Error, Result};
use nvisy_formats::columns;
use std::collections::BTreeMap;

pub(crate) struct Tree {
    branches: Vec<Live>,
    tails: BTreeMap<usize, Tail>,
}

enum Live {
    Decode { node: String, decode: Box<Decode>, next: Vec<Live> },
    Columns { node: String, step: StepSpec, next: Vec<Live> },
    End(usize),
}

/// The end of one path.
struct Tail {
    start: Position,
    /// Whether the stream has been seen to reach `start`.
    active: bool,
    records: u64,
    encode: Option<Encode>,
}

/// Where a parcel goes at the end of the path with that index. It waits there until the sink has room.
pub(crate) type Emit<'a> = &'a mut dyn FnMut(usize, Parcel) -> Result<()>;

impl Tree {
    /// A tree for the paths in `starts`, each with the position it resumes at.
    pub(crate) fn new(
        trunk: &[Branch],
        paths: &[Path],
        starts: &BTreeMap<usize, Position>,
        decided: &BTreeMap<String, SchemaRef>,
    ) -> Self {
        let tails = starts
            .iter()
            .map(|(index, start)| {
                let encode = paths[*index].encode.clone().map(Encode::new);
                (*index, Tail { start: start.clone(), active: false, records: start.records, encode })
            })
            .collect::<BTreeMap<_, _>>();
        Self { branches: grow(trunk, &tails, decided), tails }
    }

    /// Let a path take part from its start on.
    pub(crate) fn activate(&mut self, path: usize) {
        if let Some(tail) = self.tails.get_mut(&path) {
            tail.active = true;
        }
    }

    /// Take one parcel through every step.
    pub(crate) fn push(&mut self, parcel: &Parcel, emit: Emit<'_>) -> Result<()> {
        walk(&mut self.branches, parcel, &mut self.tails, emit)
    }

    /// The stream ended: what was held back for a full object comes out.
    pub(crate) fn finish(&mut self, emit: Emit<'_>) -> Result<()> {
        finish(&mut self.branches)?;
        for (path, tail) in self.tails.iter_mut().filter(|(_, tail)| tail.active) {
            if let Some(encode) = &mut tail.encode
                && let Some(parcel) = encode.finish()?
            {
                emit(*path, parcel)?;
            }
        }
        Ok(())
    }

    /// The columns each decoding node has decided on.
    pub(crate) fn decided(&self) -> BTreeMap<String, SchemaRef> {
        let mut out = BTreeMap::new();
        collect(&self.branches, &mut out);
        out
    }
}

fn grow(trunk: &[Branch], tails: &BTreeMap<usize, Tail>, decided: &BTreeMap<String, SchemaRef>) -> Vec<Live> {
    let mut live = Vec::new();
    for branch in trunk {
        match branch {
            Branch::End(path) if tails.contains_key(path) => live.push(Live::End(*path)),
            Branch::End(_) => {}
            Branch::Step { node, step, next } => {
                let next = grow(next, tails, decided);
                if next.is_empty() {
                    continue;
                }
                let node = node.clone();
                live.push(match step {
                    StepSpec::Decode(options) => {
                        let decode =
                            Box::new(Decode::new(&node, options.clone(), decided.get(&node).cloned()));
                        Live::Decode { node, decode, next }
                    }
                    StepSpec::Select(_) | StepSpec::Drop(_) | StepSpec::Rename(_) | StepSpec::Cast(_) => {
                        Live::Columns { node, step: step.clone(), next }
                    }
                });
            }
        }
    }
    live
}

fn walk(
    branches: &mut [Live],
    parcel: &Parcel,
    tails: &mut BTreeMap<usize, Tail>,
    emit: Emit<'_>,
) -> Result<()> {
    for branch in branches {
        match branch {
            Live::End(path) => {
                if let Some(tail) = tails.get_mut(path) {
                    tail.take(*path, parcel.clone(), emit)?;
                }
            }
            Live::Columns { node, step, next } => {
                let parcel = apply(node, step, parcel.clone())
                    .map_err(|error| error.with_context("node", node.as_str()))?;
                walk(next, &parcel, tails, emit)?;
            }
            Live::Decode { decode, next, .. } => {
                decode.push(parcel.clone(), &mut |parcel| walk(next, &parcel, tails, emit))?;
            }
        }
    }
    Ok(())
}

fn finish(branches: &mut [Live]) -> Result<()> {
    for branch in branches {
        match branch {
            Live::End(_) => {}
            Live::Columns { next, .. } => finish(next)?,
            Live::Decode { decode, next, .. } => {
                decode.finish()?;
                finish(next)?;
            }
        }
    }
    Ok(())
}

fn collect(branches: &[Live], out: &mut BTreeMap<String, SchemaRef>) {
    for branch in branches {
        match branch {
            Live::End(_) => {}
            Live::Columns { next, .. } => collect(next, out),
            Live::Decode { node, decode, next } => {
                out.extend(decode.schema().map(|schema| (node.clone(), schema.clone())));
                collect(next, out);
            }
        }
    }
}

fn apply(node: &str, step: &StepSpec, parcel: Parcel) -> Result<Parcel> {
    if parcel.data.num_columns() == 0 {
        // The stream moved on without a record, and before the first record there are no columns to speak of.
        return Ok(parcel);
    }
    Ok(match step {
        StepSpec::Select(names) => {
            let data = columns::select(&parcel.data, names)?;
            parcel.with_data(data)
        }
        StepSpec::Drop(names) => {
            let data = columns::drop(&parcel.data, names)?;
            parcel.with_data(data)
        }
        StepSpec::Rename(names) => {
            let data = columns::rename(&parcel.data, names)?;
            parcel.with_data(data)
        }
        StepSpec::Cast(types) => {
            let (data, refused) = columns::cast(&parcel.data, types)?;
            let rows: Vec<usize> = refused.iter().map(|row| row.row).collect();
            let refusals = refused.into_iter().map(|row| Refusal {
                place: 0,
                node: node.to_owned(),
                code: "cast".to_owned(),
                reason: format!("column `{}`: {}", row.column, row.reason),
                item: String::new(),
            });
            let refusals = refusals.collect();
            parcel.without(data, &rows, refusals)
        }
        StepSpec::Decode(_) => {
            return Err(Error::new(
                nvisy_dal::ErrorKind::Internal,
                "apply a step",
                "decode is no column step",
            ));
        }
    })
}

impl Tail {
    fn take(&mut self, path: usize, parcel: Parcel, emit: Emit<'_>) -> Result<()> {
        if !self.active {
            return Ok(());
        }
        let Some(parcel) = parcel.drop_through(&self.start)? else {
            return Ok(());
        };
        let parcel = parcel.counted_from(self.records);
        self.records += parcel.read;
        match &mut self.encode {
            None => emit(path, parcel),
            Some(encode) => encode.push(parcel)?.into_iter().try_for_each(|parcel| emit(path, parcel)),
        }
    }
}
