//! The history of a change as Gerrit itself keeps it: the commits of `refs/changes/NN/NNNN/meta`.
//!
//! Every fact about people comes from here and from nowhere else: who uploaded, who voted, who
//! wrote, under whose name, and **in which order**. Events carry no account ids and REST no order;
//! the commits carry both, and two readers of one commit id read the same bytes. So the hosts hand
//! over the commits as they are, and the core parses them.
//!
//! Format: Gerrit's NoteDb, `ChangeNotesParser` and `ChangeNoteFooters` of Gerrit 3.12 to 3.14.

use crate::ids::Revision;
use crate::settings::taken;
use serde::{Deserialize, Serialize};

/// The commits of a change's meta ref, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MetaLog {
    /// The ref's tip: what the facts were read at.
    #[serde(deserialize_with = "taken")]
    pub tip: Revision,
    /// All commits that lead to the tip, oldest first.
    #[serde(deserialize_with = "taken")]
    pub commits: Vec<MetaCommit>,
}

/// One commit of a meta ref, as git has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MetaCommit {
    /// The commit's id. Gerrit uses it as the id of the message that the commit carries.
    #[serde(deserialize_with = "taken")]
    pub id: Revision,
    /// The author's e-mail: `1000001@<server id>` for a person, anything else for the server.
    #[serde(deserialize_with = "taken")]
    pub author: String,
    /// The author's time, in seconds since the epoch. For display only: order is the order here.
    #[serde(deserialize_with = "taken")]
    pub time: i64,
    /// The whole commit message.
    #[serde(deserialize_with = "taken")]
    pub message: String,
}
