//! Reads policies and their own settings, whose shape only the module knows.

use super::desk::Desk;
use super::fault::{Fault, shown};
use super::file::limited;
use super::floor::RESERVED;
use super::table::{Located, Table};
use super::{POLICIES, Policy, PolicyEffect, PolicyName, PolicySetting, put};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// All `[[policy]]`; `None` when the file says nothing of policies.
#[inline(never)]
pub(super) fn read_all(
    root: &Table<'_>,
    desk: &mut Desk<'_>,
) -> Option<BTreeMap<PolicyName, Policy>> {
    let tables = root.tables("policy", desk)?;
    limited("policies", tables.len(), POLICIES, desk)?;
    let mut seen = BTreeMap::new();
    let mut policies = BTreeMap::new();
    for (i, entries) in tables.into_iter().enumerate() {
        let Some((name, policy)) = read(i + 1, &entries, desk) else { continue };
        if let Some(first) = put(&mut seen, name.value.clone(), name.at) {
            desk.report_twice(name.at, format!("the policy {}", name.value), first);
        }
        put(&mut policies, name.value, policy);
    }
    Some(policies)
}

#[inline(never)]
fn read<'a>(
    number: usize,
    entries: &Located<&'a DeTable<'a>>,
    desk: &mut Desk<'_>,
) -> Option<(Located<PolicyName>, Policy)> {
    const KNOWN: &[&str] = &["name", "module", "effect", "settings"];
    let name = format!("[[policy]] number {number}");
    let table = Table::new(name, entries.at, entries.value, KNOWN, desk);
    table.need("name", "a name, such as `name = \"protected-types\"`", desk);
    table.need("module", "the SHA-256 of the component, in hex", desk);
    let name = table.checked::<PolicyName>("name", desk, str::parse);
    let digest = |text: &str| text.strip_prefix("sha256:").unwrap_or(text).parse();
    let module = table.checked("module", desk, digest);
    let effects = [("advise", PolicyEffect::Advise), ("enforce", PolicyEffect::Enforce)];
    let effect = table.choice("effect", &effects, desk).unwrap_or(PolicyEffect::Enforce);
    let settings = read_settings(&table, desk);
    let name = name?;
    if name.value.as_str().starts_with(RESERVED) {
        desk.report(name.at, Fault::ReservedPolicy(shown(name.value.as_str())));
    }
    let module = module?.value;
    Some((name, Policy { module, effect, settings }))
}

/// `settings` of a policy: any TOML but fractions, dates and numbers beyond 64 bits.
#[inline(never)]
fn read_settings(table: &Table<'_>, desk: &mut Desk<'_>) -> BTreeMap<String, PolicySetting> {
    let Some(found) = table.raw("settings") else { return BTreeMap::new() };
    let DeValue::Table(entries) = found.get_ref() else {
        table.wrong_type("settings", found, "a table", desk);
        return BTreeMap::new();
    };
    read_table(entries, table, desk)
}

/// Recursion is bounded by [`super::NESTING`].
fn read_table(
    entries: &DeTable<'_>,
    table: &Table<'_>,
    desk: &mut Desk<'_>,
) -> BTreeMap<String, PolicySetting> {
    let mut read = BTreeMap::new();
    for (key, value) in entries {
        if let Some(setting) = read_value(value.get_ref(), value.span().start, table, desk) {
            put(&mut read, key.get_ref().to_string(), setting);
        }
    }
    read
}

fn read_value(
    value: &DeValue<'_>,
    at: usize,
    table: &Table<'_>,
    desk: &mut Desk<'_>,
) -> Option<PolicySetting> {
    let found = match value {
        DeValue::String(text) => return Some(PolicySetting::Text(text.to_string())),
        DeValue::Boolean(flag) => return Some(PolicySetting::Flag(*flag)),
        DeValue::Table(entries) => {
            return Some(PolicySetting::Table(read_table(entries, table, desk)));
        }
        DeValue::Array(items) => {
            let items = items.iter();
            let read = items.filter_map(|i| read_value(i.get_ref(), i.span().start, table, desk));
            return Some(PolicySetting::List(read.collect()));
        }
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => return Some(PolicySetting::Number(number)),
            Err(_) => "a whole number beyond 64 bits",
        },
        DeValue::Float(_) => "a fraction",
        DeValue::Datetime(_) => "a date or time",
    };
    let (key, table) = ("settings".to_owned(), table.name.clone());
    desk.report(at, Fault::WrongType { key, table, found, expected: "it as a text in quotes" });
    None
}
