//! Real servers on loopback for tests and the demo: Gerrit, Pulumi and Tidegate itself.
//!
//! [`Tools`] finds or builds what a test needs and keeps it in a cache beside the user's other
//! caches. [`Gerrit`], [`Pulumi`] and [`Tidegate`] drive one real program each; [`Site`] puts them
//! together into a small installation with a repository, stacks and people.
//!
//! Everything is blocking, started by argument lists, and ends with the process that started it,
//! even if that is killed: a [`Warded`] program has a warden that watches a pipe.

pub mod cache;
pub mod workspace;

mod change;
mod eventually;
mod finished;
mod gerrit;
mod gerrit_options;
mod gerrit_release;
mod gerrit_setup;
mod gerrit_template;
mod installation;
mod jdk;
mod ports;
mod progress;
mod pulumi;
mod pulumi_release;
mod repository;
mod rest;
mod site;
mod tidegate;
mod tools;
mod user;
mod warded;

pub use change::{Change, Message};
pub use eventually::eventually;
pub use finished::{Finished, finish, run_logged};
pub use gerrit::Gerrit;
pub use gerrit_options::GerritOptions;
pub use gerrit_release::GerritRelease;
pub use gerrit_template::GerritTemplate;
pub use installation::Installation;
pub use jdk::{Jdk, MINIMUM_JAVA};
pub use ports::free_port;
pub use progress::Progress;
pub use pulumi::{PASSPHRASE, Pulumi};
pub use pulumi_release::{MINIMUM_PULUMI, PulumiRelease};
pub use repository::{Commit, Push, Repository};
pub use rest::{Answer, Rest, segment};
pub use site::{Groups, Site, SiteBuilder};
pub use tidegate::Tidegate;
pub use tools::Tools;
pub use user::User;
pub use warded::{Ended, Warded};
