//! Definition to plan, in named passes. Nothing connects; every problem of the workflow is found before the first is
//! reported.

mod graph;
mod nodes;

use crate::definition::{Definition, Problem, Severity};
use crate::plan::Plan;
use crate::providers::Providers;
use std::path::Path as FilePath;

/// Compile a workflow's text. Relative paths in it are meant relative to `base`.
///
/// # Errors
/// Every problem, warnings included: of its shape, its names, its parameters and its graph.
pub fn compile(text: &str, base: &FilePath, providers: &dyn Providers) -> Result<Plan, Vec<Problem>> {
    let (definition, mut problems) = Definition::read(text);
    let Some(definition) = definition else { return Err(problems) };
    let bound = nodes::bind(&definition, base, providers, &mut problems);
    graph::check(&definition, &mut problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    let mut plan = graph::grow(&definition, &bound, &mut problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    plan.warnings = problems;
    Ok(plan)
}
