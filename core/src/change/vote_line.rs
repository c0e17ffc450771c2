//! The values of the `Label` and `Copied-Label` footers.
//!
//! Their forms, from `ChangeNotesParseApprovalUtil`: `NAME=VOTE`, `NAME=VOTE, UUID`, either with
//! ` IDENT` behind it where the voter isn't the commit's author; `-NAME` and `-NAME IDENT` for a vote
//! that was taken back; copied ones always have `IDENT`, perhaps `,REAL IDENT`, perhaps ` :"TAG"`.

use crate::ids::AccountId;

/// One vote line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct VoteLine {
    pub(super) label: String,
    /// `None`: the vote was taken back.
    pub(super) value: Option<i32>,
    /// `None`: the commit's author.
    pub(super) account: Option<AccountId>,
    /// Whether a copied vote had another real voter.
    pub(super) impersonated: bool,
}

impl VoteLine {
    /// Reads a line; `None` if it has none of the known forms.
    #[inline(never)]
    pub(super) fn parse(line: &str) -> Option<Self> {
        if let Some(rest) = line.strip_prefix('-') {
            let (label, ident) = split_ident(rest);
            let people = idents(ident)?;
            return Some(Self {
                label: label_name(label)?,
                value: None,
                account: people.first().copied(),
                impersonated: people.len() > 1,
            });
        }
        let (label, rest) = line.split_once('=')?;
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        let value: i32 = rest.get(..end)?.parse().ok()?;
        let rest = rest.get(end..)?;
        let ident = match rest.strip_prefix(", ") {
            Some(with_uuid) => split_ident(with_uuid).1,
            None => rest.trim_start(),
        };
        let people = idents(ident)?;
        Some(Self {
            label: label_name(label)?,
            value: Some(value),
            account: people.first().copied(),
            impersonated: people.len() > 1,
        })
    }
}

/// Splits `word IDENT` at the first space.
fn split_ident(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// Label names, as Gerrit allows them (`LabelType.checkNameInternal`): letters, digits and '-'.
fn label_name(name: &str) -> Option<String> {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good.then(|| name.to_owned())
}

/// The accounts of `Name <1000001@server>[,Name <1000002@server>][ :"tag"]`; `None` if one is
/// unreadable.
fn idents(text: &str) -> Option<Vec<AccountId>> {
    let text = text.split_once(":\"").map_or(text, |(before, _tag)| before).trim();
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (before, after) = rest.split_once('>')?;
        let (_, mail) = before.rsplit_once('<')?;
        found.push(account(mail)?);
        rest = after.trim_start_matches([',', ' ']);
    }
    Some(found)
}

/// The account that an ident's e-mail names: `1000001@<server id>`.
pub(super) fn account(mail: &str) -> Option<AccountId> {
    let (number, server) = mail.split_once('@')?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if !plain || server.is_empty() {
        return None;
    }
    number.parse().ok().map(AccountId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn line(label: &str, value: Option<i32>, account: Option<u32>, impersonated: bool) -> VoteLine {
        VoteLine { label: label.into(), value, account: account.map(AccountId), impersonated }
    }

    #[rstest]
    #[case::plain("Code-Review=+2", line("Code-Review", Some(2), None, false))]
    #[case::uuid("Code-Review=-1, ddd386", line("Code-Review", Some(-1), None, false))]
    #[case::other(
        "Code-Review=+1 Gerrit User 7 <7@x>",
        line("Code-Review", Some(1), Some(7), false)
    )]
    #[case::uuid_and_other(
        "Code-Review=+1, ab Gerrit, User <7@x>",
        line("Code-Review", Some(1), Some(7), false)
    )]
    #[case::removed("-Code-Review", line("Code-Review", None, None, false))]
    #[case::removed_other("-Code-Review G U 7 <7@x>", line("Code-Review", None, Some(7), false))]
    #[case::copied(
        "Verified=+1, ab G U 7 <7@x>,G U 8 <8@x> :\"t, a:\\\"g\"",
        line("Verified", Some(1), Some(7), true)
    )]
    fn known_forms_are_read(#[case] text: &str, #[case] expected: VoteLine) {
        assert_eq!(VoteLine::parse(text), Some(expected));
    }

    #[rstest]
    #[case("")]
    #[case("Code-Review")]
    #[case("Code-Review=high")]
    #[case("Code Review=1")]
    #[case("Code-Review=1 nobody")]
    #[case("Code-Review=1, ab G <x@y>")]
    fn anything_else_is_not(#[case] text: &str) {
        assert_eq!(VoteLine::parse(text), None);
    }
}
