//! Reads the claims of a project's own file.

use super::desk::Desk;
use super::fault::shown;
use super::file::{apply, approve, backend, branch, limited};
use super::groups::Groups;
use super::rule::RawClaim;
use super::table::{Located, Table};
use super::{RepoPath, add};
use crate::ids::StackId;
use crate::limits;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

/// All `[[stack]]`, in the order of the file.
#[inline(never)]
pub(super) fn read_all(root: &Table<'_>, groups: &Groups, desk: &mut Desk<'_>) -> Vec<RawClaim> {
    let Some(tables) = root.tables("stack", desk) else { return Vec::new() };
    if limited("claimed stacks", tables.len(), limits::STACKS, desk).is_none() {
        return Vec::new();
    }
    let numbered = tables.into_iter().enumerate();
    numbered.filter_map(|(i, entries)| read(i + 1, &entries, groups, desk)).collect()
}

#[inline(never)]
fn read<'a>(
    number: usize,
    entries: &Located<&'a DeTable<'a>>,
    groups: &Groups,
    desk: &mut Desk<'_>,
) -> Option<RawClaim> {
    const KNOWN: &[&str] = &[
        "id",
        "project",
        "stack",
        "path",
        "branch",
        "backend",
        "environment",
        "inputs",
        "reads",
        "approve",
        "apply",
    ];
    let name = match entries.value.get("id").map(|id| id.get_ref()) {
        Some(DeValue::String(id)) => format!("[[stack]] {}", shown(id)),
        _ => format!("[[stack]] number {number}"),
    };
    let table = Table::new(name, entries.at, entries.value, KNOWN, desk);
    table.need("id", "an id that is never reused, such as `id = \"app-prod\"`", desk);
    table.need("project", "the `name` of its Pulumi.yaml", desk);
    table.need("stack", "the stack's own name, such as `stack = \"prod\"`", desk);
    table.need("path", "the folder of its Pulumi.yaml", desk);
    let id = table.checked("id", desk, str::parse);
    let project = table.checked("project", desk, str::parse);
    let stack = table.checked("stack", desk, str::parse);
    let path = table.checked("path", desk, RepoPath::lenient);
    let (inputs, reads) = read_lists(&table, desk);
    let branch = branch(&table, desk);
    let backend = backend(&table, desk);
    let environment = table.checked("environment", desk, str::parse).map(|found| found.value);
    let approve = approve(&table, groups, desk);
    let apply = apply(&table, desk);
    Some(RawClaim {
        id: id?.value,
        project: project?.value,
        stack: stack?.value,
        path: path?.value,
        at: table.at,
        name: table.name,
        branch,
        backend,
        environment,
        inputs,
        reads,
        approve,
        apply,
    })
}

#[inline(never)]
fn read_lists(
    table: &Table<'_>,
    desk: &mut Desk<'_>,
) -> (BTreeSet<RepoPath>, Vec<Located<StackId>>) {
    let inputs = table.list("inputs", desk, RepoPath::lenient).unwrap_or_default();
    let reads = table.list("reads", desk, str::parse).unwrap_or_default();
    let mut set = BTreeSet::new();
    for input in inputs {
        add(&mut set, input.value);
    }
    (set, reads)
}
