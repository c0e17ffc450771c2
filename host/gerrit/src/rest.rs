//! Gerrit's REST interface, and the plugin's.
//!
//! [`Client`] knows how to ask: credentials, the `)]}'` prefix, bounds on time and size, a budget of
//! requests in flight, and repeating what may be repeated. The other files add one kind of question
//! each.

mod accounts;
mod answer;
mod call;
mod change_query;
mod changes;
mod client;
mod config;
mod error;
mod gate;
mod labels;
mod own;
mod projects;
mod record;
mod review;
mod server;

pub use accounts::{Account, Capabilities};
pub use change_query::ChangeQuery;
pub use changes::{ChangeRef, ChangeStatus, Requirement, Submittability};
pub use client::Client;
pub use config::{Auth, Config, ConfigError, Retry};
pub use error::RestError;
pub use own::{Group, Profile};
pub use projects::{ProjectConfig, SubmitType};
pub use record::{Record, RecordWritten};
pub use review::{Notify, Posted, Review};
pub use server::{PluginStatus, Server};

pub(crate) use call::Call;
