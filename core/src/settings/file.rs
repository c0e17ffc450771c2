//! Reads one `tidegate.toml`.

use super::claim::Apply;
use super::desk::Desk;
use super::fault::shown;
use super::groups::Groups;
use super::rule::{ApproveRule, Defaults, EnvironmentRule, Rules};
use super::table::{Located, ROOT, Table};
use super::{
    APPROVALS, Backend, ENVIRONMENTS, EnvironmentName, Fault, LabelName, Mode, TIMEOUT_MINUTES,
    TRUSTED_GROUPS, Untrusted, add, file_claim, file_policy, names, nesting, put,
};
use crate::ids::{BadId, GroupUuid, RefName};
use crate::limits;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a file's text. Claims are read only from the project's own file. What is wrong goes to the
/// desk; what can be read is returned all the same, so that later checks find more.
#[inline(never)]
pub(super) fn read(text: &str, own: bool, groups: &Groups, desk: &mut Desk<'_>) -> Rules {
    let (found, limit) = (text.len(), limits::SETTINGS_BYTES);
    if found > limit {
        desk.report_whole(Fault::TooMany { what: "bytes of the file", found, limit });
        return Rules::default();
    }
    if let Some((at, fault)) = nesting::check(text) {
        desk.report(at, fault);
        return Rules::default();
    }
    match parse(text) {
        Ok(entries) => read_entries(entries.get_ref(), own, groups, desk),
        Err(error) => {
            let fault = Fault::Syntax(error.message().to_owned());
            match error.span() {
                Some(span) => desk.report(span.start, fault),
                None => desk.report_whole(fault),
            }
            Rules::default()
        }
    }
}

/// The parser is the one large function here that isn't ours; apart, it makes no other one large.
#[inline(never)]
fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, toml::de::Error> {
    DeTable::parse(text)
}

#[inline(never)]
fn read_entries<'a>(
    entries: &'a DeTable<'a>,
    own: bool,
    groups: &Groups,
    desk: &mut Desk<'_>,
) -> Rules {
    const KNOWN: &[&str] = &[
        "schema",
        "mode",
        "operators",
        "defaults",
        "environment",
        "trust",
        "preview",
        "policy",
        "stack",
    ];
    // Which keys there are depends on the schema, so its absence is told alone.
    if !entries.is_empty() && !read_schema(entries, desk) {
        return Rules::default();
    }
    let root = Table::new(ROOT.to_owned(), 0, entries, KNOWN, desk);
    let modes = [("observe", Mode::Observe), ("gate", Mode::Gate), ("deploy", Mode::Deploy)];
    let mut rules = Rules {
        mode: root.choice("mode", &modes, desk),
        defaults: read_defaults(&root, groups, desk),
        environments: read_environments(&root, groups, desk),
        trusted: read_trust(&root, groups, desk),
        operators: root.text("operators", desk).and_then(|name| group(&name, groups, desk)),
        policies: file_policy::read_all(&root, desk),
        ..Rules::default()
    };
    read_preview(&root, &mut rules, desk);
    if own {
        rules.claims = file_claim::read_all(&root, groups, desk);
    }
    rules
}

#[inline(never)]
fn read_schema(entries: &DeTable<'_>, desk: &mut Desk<'_>) -> bool {
    let Some(found) = entries.get("schema") else {
        desk.report_whole(Fault::NoSchema);
        return false;
    };
    let text = match found.get_ref() {
        DeValue::Integer(number) if number.as_str() == "1" => return true,
        DeValue::Integer(number) => shown(number.as_str()),
        DeValue::String(text) => shown(&format!("\"{text}\"")),
        _ => "of this type".to_owned(),
    };
    desk.report(found.span().start, Fault::Schema(text));
    false
}

#[inline(never)]
fn read_defaults(root: &Table<'_>, groups: &Groups, desk: &mut Desk<'_>) -> Defaults {
    const KNOWN: &[&str] = &["branch", "backend", "environment", "apply", "approve"];
    let Some(table) = root.table("defaults", KNOWN, desk) else { return Defaults::default() };
    Defaults {
        branch: branch(&table, desk),
        backend: backend(&table, desk),
        environment: table.checked("environment", desk, str::parse).map(|found| found.value),
        apply: apply(&table, desk),
        approve: approve(&table, groups, desk),
    }
}

#[inline(never)]
fn read_environments(
    root: &Table<'_>,
    groups: &Groups,
    desk: &mut Desk<'_>,
) -> Option<Vec<EnvironmentRule>> {
    let tables = root.tables("environment", desk)?;
    limited("environments", tables.len(), ENVIRONMENTS, desk)?;
    let mut seen = BTreeMap::new();
    let mut rules = Vec::new();
    for (i, entries) in tables.into_iter().enumerate() {
        let name = format!("[[environment]] number {}", i + 1);
        let table = Table::new(name, entries.at, entries.value, &["name", "approve"], desk);
        table.need("name", "a name, such as `name = \"staging\"`", desk);
        let approve = approve(&table, groups, desk);
        let Some(name) = table.checked::<EnvironmentName>("name", desk, str::parse) else {
            continue;
        };
        if let Some(first) = put(&mut seen, name.value.clone(), name.at) {
            desk.report_twice(name.at, format!("the environment {}", name.value), first);
            continue;
        }
        rules.push(EnvironmentRule { name: name.value, approve });
    }
    Some(rules)
}

#[inline(never)]
fn read_trust(
    root: &Table<'_>,
    groups: &Groups,
    desk: &mut Desk<'_>,
) -> Option<BTreeSet<GroupUuid>> {
    let table = root.table("trust", &["groups"], desk)?;
    let names = table.texts("groups", desk)?;
    limited("trusted groups", names.len(), TRUSTED_GROUPS, desk)?;
    let mut trusted = BTreeSet::new();
    for name in &names {
        if let Some(group) = group(name, groups, desk) {
            add(&mut trusted, group);
        }
    }
    Some(trusted)
}

#[inline(never)]
fn read_preview(root: &Table<'_>, rules: &mut Rules, desk: &mut Desk<'_>) {
    let Some(table) = root.table("preview", &["untrusted", "timeout_minutes"], desk) else {
        return;
    };
    let known = [("refuse", Untrusted::Refuse), ("sealed", Untrusted::Sealed)];
    rules.untrusted = table.choice("untrusted", &known, desk);
    rules.timeout_minutes = table.number("timeout_minutes", 1, TIMEOUT_MINUTES, desk);
}

/// `approve` of a claim, an environment or the defaults.
#[inline(never)]
pub(super) fn approve(table: &Table<'_>, groups: &Groups, desk: &mut Desk<'_>) -> ApproveRule {
    const KNOWN: &[&str] = &["label", "value", "count", "group"];
    // Gerrit keeps a label's values in 16 bits; an approval is a positive one.
    const VALUE: u32 = 32_767;
    let Some(table) = table.table("approve", KNOWN, desk) else { return ApproveRule::default() };
    ApproveRule {
        label: table.checked::<LabelName>("label", desk, str::parse).map(|found| found.value),
        value: table.number("value", 1, VALUE, desk),
        count: table.number("count", 1, APPROVALS, desk),
        group: table.text("group", desk).and_then(|name| group(&name, groups, desk)),
    }
}

/// `branch` of a claim or the defaults; a short name is completed.
#[inline(never)]
pub(super) fn branch(table: &Table<'_>, desk: &mut Desk<'_>) -> Option<RefName> {
    let read = |text: &str| match text.starts_with("refs/") {
        true => text.parse::<RefName>(),
        false => format!("refs/heads/{text}").parse(),
    };
    let found = table.checked("branch", desk, read)?;
    if found.value.as_str().starts_with("refs/heads/") {
        return Some(found.value);
    }
    let (table, at) = (table.name.clone(), found.at);
    desk.report(at, Fault::NotABranch { table, found: shown(found.value.as_str()) });
    None
}

/// `backend` of a claim or the defaults.
#[inline(never)]
pub(super) fn backend(table: &Table<'_>, desk: &mut Desk<'_>) -> Option<Backend> {
    let text = table.text("backend", desk)?;
    if names::carries_password(text.value) {
        desk.report(text.at, Fault::Password { table: table.name.clone() });
        return None;
    }
    let read: fn(&str) -> Result<Backend, BadId> = str::parse;
    table.checked("backend", desk, read).map(|found| found.value)
}

/// `apply` of a claim or the defaults.
pub(super) fn apply(table: &Table<'_>, desk: &mut Desk<'_>) -> Option<Apply> {
    table.choice("apply", &[("plan", Apply::Plan), ("guarded", Apply::Guarded)], desk)
}

fn group(name: &Located<&str>, groups: &Groups, desk: &mut Desk<'_>) -> Option<GroupUuid> {
    groups.find(name.value).map_err(|fault| desk.report(name.at, fault)).ok()
}

/// Reports more than the limit, and drops the list then.
pub(super) fn limited(
    what: &'static str,
    found: usize,
    limit: usize,
    desk: &mut Desk<'_>,
) -> Option<()> {
    if found <= limit {
        return Some(());
    }
    desk.report_whole(Fault::TooMany { what, found, limit });
    None
}
