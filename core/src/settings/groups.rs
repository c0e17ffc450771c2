//! Groups by name: the `groups` files of `refs/meta/config`.
//!
//! Gerrit keeps one line `UUID<TAB>name` for each group that a project's configuration mentions
//! (its documentation, `config-project-config`, "The file `groups`"). Lines that don't have that
//! form name nobody.

use super::Fault;
use super::fault::shown;
use super::{add, put};
use crate::ids::GroupUuid;
use std::collections::{BTreeMap, BTreeSet};

/// Names and UUIDs of the layers read so far; a nearer layer's name wins.
#[derive(Debug, Default)]
pub(super) struct Groups {
    names: BTreeMap<String, Named>,
    uuids: BTreeSet<String>,
}

#[derive(Debug)]
enum Named {
    One(GroupUuid),
    Several,
}

impl Groups {
    /// Adds one layer's file.
    #[inline(never)]
    pub(super) fn add(&mut self, text: &str) {
        let mut own: BTreeMap<String, Named> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((uuid, name)) = line.split_once('\t') else { continue };
            let (uuid, name) = (uuid.trim(), name.trim());
            let Ok(uuid) = uuid.parse::<GroupUuid>() else { continue };
            if name.is_empty() {
                continue;
            }
            add(&mut self.uuids, uuid.as_str().to_owned());
            match own.get(name) {
                Some(Named::One(known)) if *known == uuid => {}
                Some(_) => {
                    put(&mut own, name.to_owned(), Named::Several);
                }
                None => {
                    put(&mut own, name.to_owned(), Named::One(uuid));
                }
            }
        }
        for (name, group) in own {
            put(&mut self.names, name, group);
        }
    }

    /// The group that a text means. A text of 40 hex digits is always a UUID, never a name: else
    /// one line of a `groups` file could turn it into another group.
    ///
    /// # Errors
    /// When the text is no UUID and names no group, or names several.
    pub(super) fn find(&self, text: &str) -> Result<GroupUuid, Fault> {
        let unknown = || Fault::UnknownGroup(shown(text));
        if is_native(text) {
            return text.parse().map_err(|_| unknown());
        }
        match self.names.get(text) {
            Some(Named::One(uuid)) => Ok(uuid.clone()),
            Some(Named::Several) => Err(Fault::AmbiguousGroup(shown(text))),
            None if self.uuids.contains(text) || is_foreign(text) => {
                text.parse().map_err(|_| unknown())
            }
            None => Err(unknown()),
        }
    }
}

/// The UUID of a group that Gerrit itself made.
fn is_native(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The UUID of a group of another backend, such as `ldap:cn=…` or `global:Registered-Users`.
fn is_foreign(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && !rest.is_empty()
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ADMINS: &str = "3d6da7dc4e99e6f6e5b5196e21b6f504fc530bba";
    const SRE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn groups() -> Groups {
        let mut groups = Groups::default();
        groups.add(&format!(
            "# UUID\tGroup Name\n#\n{ADMINS}                  \tAdministrators\n{SRE}\tSRE\r\n\
             no tab here\n\tempty\n{ADMINS}\t{SRE}\n"
        ));
        groups.add(&format!("{SRE}\tTwice\n{ADMINS}\tTwice\nldap:cn=x\tAdministrators\n"));
        groups
    }

    #[rstest]
    #[case::by_name("SRE", Some(SRE))]
    #[case::nearer_name_wins("Administrators", Some("ldap:cn=x"))]
    #[case::by_uuid(
        "0123456789012345678901234567890123456789",
        Some("0123456789012345678901234567890123456789")
    )]
    #[case::a_uuid_is_never_a_name(SRE, Some(SRE))]
    #[case::other_backend("ldap:cn=sre,ou=groups", Some("ldap:cn=sre,ou=groups"))]
    #[case::unknown("sre", None)]
    #[case::several("Twice", None)]
    #[case::empty("", None)]
    fn groups_are_found_by_uuid_or_name(#[case] text: &str, #[case] uuid: Option<&str>) {
        assert_eq!(groups().find(text).ok().map(String::from).as_deref(), uuid);
    }
}
