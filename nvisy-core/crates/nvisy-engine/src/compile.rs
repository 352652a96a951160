//! Definition to plan, in named passes. Nothing connects; every problem of the workflow is found before the first is
//! reported.

mod graph;
mod nodes;

use crate::definition::{Definition, Problem, Severity};
use crate::plan::Plan;
use crate::providers::Providers;
use std::path::Path as FilePath;

/// Compile a workflow.
///
/// # Errors
/// Every problem, warnings included.
pub fn compile(
    definition: &Definition,
    base: &FilePath,
    providers: &dyn Providers,
) -> Result<Plan, Vec<Problem>> {
    let mut problems = Vec::new();
    let bound = nodes::bind(definition, base, providers, &mut problems);
    graph::check(definition, &mut problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    let mut plan = graph::grow(definition, &bound, &mut problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    plan.warnings = problems;
    Ok(plan)
}
