//! The coverage rule: whether what would run now is what was approved.
//!
//! Equality would be too much: after a half failed update, after a change below this one was
//! deployed, or when an upstream output became known, the steps differ and nobody has to be asked
//! again. `docs/steps.md` gives the rule in words; each way of not being covered has a stable code.

pub mod admit;
pub mod allow;
pub mod context;
pub mod difference;
mod fill;
mod fresh;
mod missing;
pub mod ran;
mod rows;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;

pub use context::{Context, Ran};
pub use difference::{Code, Difference};

use crate::limits::INPUT_BYTES;
use crate::steps::operation::Operation;
use crate::steps::step::Step;
use crate::steps::urn::Urn;
use crate::steps::val::Val;
use crate::steps::{Steps, digest};
use fill::Fill;
use rows::Rows;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The schema of input and output.
pub const SCHEMA: u32 = 1;

/// Most differences that are listed. Whoever reads them needs the first few; a whole other plan
/// would otherwise be listed step by step.
pub const DIFFERENCES: usize = 500;

/// The input of the verb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CoverageInput {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The steps that the approval names.
    pub approved: Steps,
    /// The steps that would run now.
    pub fresh: Steps,
    /// What happened in between.
    #[serde(default)]
    pub context: Context,
}

/// Whether what would run now is what was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// It is.
    Covered {
        /// Whether the steps are equal, digest and all.
        equal: bool,
    },
    /// It isn't: somebody has to approve it.
    Uncovered {
        /// Why, sorted; at most [`DIFFERENCES`], never empty.
        differences: Vec<Difference>,
        /// How many more there are.
        omitted: u32,
    },
}

/// Why coverage can't be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoverageError {
    /// The input isn't what the verb takes.
    #[error("reading the input of coverage: {0}")]
    Input(String),
    /// Steps that aren't what their digest says.
    #[error("reading the {which} steps: found the digest {found}, computed {computed}")]
    Digest {
        /// `approved` or `fresh`.
        which: &'static str,
        /// The digest that they carry.
        found: String,
        /// The digest that they have.
        computed: String,
    },
}

/// The verb over JSON bytes.
///
/// # Errors
/// An input that isn't a [`CoverageInput`], and steps that don't have the digest that they carry.
pub fn verb(input: &[u8]) -> Result<Vec<u8>, String> {
    let input = read(input).map_err(|e| e.to_string())?;
    let coverage = covers(&input.approved, &input.fresh, &input.context);
    serde_json::to_vec(&coverage).map_err(|e| e.to_string())
}

#[inline(never)]
fn read(input: &[u8]) -> Result<CoverageInput, CoverageError> {
    if input.len() > INPUT_BYTES {
        return Err(CoverageError::Input(format!("more than {INPUT_BYTES} bytes")));
    }
    // serde_json's messages may quote a value; its place is enough.
    let input: CoverageInput = serde_json::from_slice(input).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        CoverageError::Input(format!("not the JSON of a CoverageInput ({place})"))
    })?;
    if input.schema != SCHEMA {
        let found = format!("schema {}, expected {SCHEMA}; upgrade the core", input.schema);
        return Err(CoverageError::Input(found));
    }
    for (which, steps) in [("approved", &input.approved), ("fresh", &input.fresh)] {
        let computed = digest::digest(&steps.steps);
        if computed != steps.digest {
            let (found, computed) = (steps.digest.to_string(), computed.to_string());
            return Err(CoverageError::Digest { which, found, computed });
        }
    }
    Ok(input)
}

/// Whether `fresh` is covered by `approved`, given what happened in between.
#[must_use]
#[inline(never)]
pub fn covers(approved: &Steps, fresh: &Steps, context: &Context) -> Coverage {
    let judge = Judge {
        context,
        approved: Approved::new(&approved.steps),
        rows: Rows::after(&context.ran),
        fill: Fill::new(context),
    };
    let mut differences = Vec::new();
    let pairs = pair(&approved.steps, &fresh.steps);
    for (fresh, step) in &pairs.found {
        match step {
            Some(step) => judge.present(step, fresh, &mut differences),
            None => differences.push(judge.extra(fresh)),
        }
    }
    for step in &pairs.missing {
        judge.missing(step, &mut differences);
    }
    if differences.is_empty() {
        return Coverage::Covered { equal: approved.digest == fresh.digest };
    }
    differences.sort_by(|a, b| a.order().cmp(&b.order()));
    let omitted = differences.len().saturating_sub(DIFFERENCES);
    differences.truncate(DIFFERENCES);
    Coverage::Uncovered { differences, omitted: u32::try_from(omitted).unwrap_or(u32::MAX) }
}

/// What steps are judged by.
struct Judge<'a> {
    context: &'a Context,
    approved: Approved<'a>,
    rows: Rows<'a>,
    fill: Fill<'a>,
}

/// What is looked up in the approved steps.
struct Approved<'a> {
    /// The new halves of replacements, by the URN and id of what they replace.
    halves: BTreeMap<(String, &'a str), &'a Step>,
    /// Resources that are updated with values that are known only later.
    open: BTreeSet<&'a Urn>,
}

struct Pairs<'a> {
    found: Vec<(&'a Step, Option<&'a Step>)>,
    missing: Vec<&'a Step>,
}

impl<'a> Approved<'a> {
    #[inline(never)]
    fn new(steps: &'a [Step]) -> Self {
        let is_half = |step: &&Step| step.operation == Operation::CreateReplacement;
        let is_open = |step: &&Step| {
            let mut new = step.changes.values().filter_map(|change| change.new.as_ref());
            step.operation == Operation::Update && new.any(Val::is_open)
        };
        let half = |step: &'a Step| ((step.old_urn(), step.old_id()), step);
        Self {
            halves: steps.iter().filter(is_half).map(half).collect(),
            open: steps.iter().filter(is_open).map(|step| &step.urn).collect(),
        }
    }
}

impl Judge<'_> {
    /// The difference of a step that nobody approved.
    #[inline(never)]
    fn extra(&self, fresh: &Step) -> Difference {
        let halves = [Operation::CreateReplacement, Operation::DeleteReplaced];
        let code = if halves.contains(&fresh.operation) && self.approved.open.contains(&fresh.urn) {
            Code::UnknownBecameReplace
        } else if matches!(fresh.operation, Operation::Delete | Operation::DeleteReplaced) {
            Code::ExtraDelete
        } else {
            Code::ExtraStep
        };
        Difference::step(fresh, code)
    }
}

/// A step's URN, operation and type.
type Key<'a> = (&'a str, Operation, &'a str);

fn key(step: &Step) -> Key<'_> {
    (step.urn.as_str(), step.operation, step.resource_type.as_str())
}

/// Pairs each fresh step with an approved one of its URN, operation and type. Of several (old rows
/// of one URN that are deleted), the one with its id comes first.
#[inline(never)]
fn pair<'a>(approved: &'a [Step], fresh: &'a [Step]) -> Pairs<'a> {
    let mut exact: BTreeMap<(Key<'a>, &'a str), Vec<&'a Step>> = BTreeMap::new();
    for step in approved {
        exact.entry((key(step), step.old_id())).or_default().push(step);
    }
    let take = |step: &'a Step| exact.get_mut(&(key(step), step.old_id()))?.pop();
    let found = fresh.iter().map(take).collect();
    pair_others(fresh, found, exact.into_values().flatten())
}

#[inline(never)]
fn pair_others<'a>(
    fresh: &'a [Step],
    found: Vec<Option<&'a Step>>,
    left: impl Iterator<Item = &'a Step>,
) -> Pairs<'a> {
    let mut others: BTreeMap<Key<'a>, Vec<&'a Step>> = BTreeMap::new();
    for step in left {
        others.entry(key(step)).or_default().push(step);
    }
    let other = |(step, found): (&'a Step, Option<&'a Step>)| {
        (step, found.or_else(|| others.get_mut(&key(step))?.pop()))
    };
    let found = fresh.iter().zip(found).map(other).collect();
    Pairs { found, missing: others.into_values().flatten().collect() }
}
