//! Tidegate's pages: read-only, made on the server, from the store alone.

mod change_page;
mod health;
mod layout;
mod list_page;
mod metrics;
mod pages;
mod rollouts_page;

pub use pages::Pages;
