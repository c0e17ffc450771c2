//! What digests of settings are taken over: what is effective, not who said it or where.

use super::{Claim, Environment, Mode, Policy, PolicyName, Preview, Trust, apart};
use crate::canonical;
use crate::ids::{Digest, GroupUuid, StackId};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the digest of all settings is taken over.
#[derive(Serialize)]
pub(super) struct Governing<'a> {
    pub(super) schema: u32,
    pub(super) mode: Mode,
    #[serde(serialize_with = "apart")]
    pub(super) environments: &'a [Environment],
    #[serde(serialize_with = "apart")]
    pub(super) stacks: &'a BTreeMap<StackId, Claim>,
    #[serde(serialize_with = "apart")]
    pub(super) trust: &'a Trust,
    pub(super) operators: &'a Option<GroupUuid>,
    #[serde(serialize_with = "apart")]
    pub(super) preview: &'a Preview,
    #[serde(serialize_with = "apart")]
    pub(super) policies: &'a BTreeMap<PolicyName, Policy>,
}

/// What the digest of one stack's settings is taken over.
#[derive(Serialize)]
pub(super) struct GoverningStack<'a> {
    pub(super) schema: u32,
    #[serde(serialize_with = "apart")]
    pub(super) stack: &'a Claim,
    #[serde(serialize_with = "apart")]
    pub(super) trust: &'a Trust,
    #[serde(serialize_with = "apart")]
    pub(super) policies: &'a BTreeMap<PolicyName, Policy>,
}

/// SHA-256 over the canonical JSON of `value`.
#[inline(never)]
pub(super) fn digest(value: &impl Serialize) -> Result<Digest, serde_json::Error> {
    Ok(Digest::of(&canonical::bytes(&serde_json::to_value(value)?)))
}
