//! Tidegate's pages: read-only, made on the server, from the store alone. They have no scripts and
//! need none: everything can be reached by the keyboard, and read on a phone.

mod change_page;
mod health;
mod layout;
mod list_page;
mod metrics;
mod pages;
mod plan_page;
mod preview_view;
mod rollout_view;
mod rollouts_page;
mod stacks_page;
mod steps_view;
mod tally;
#[cfg(test)]
mod tests;
mod time;
mod timeline;
mod trail;
mod value;
mod verdict_view;

pub use pages::Pages;
