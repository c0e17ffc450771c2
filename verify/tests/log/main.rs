//! The verifier against logs that it has no part in: one written by Go's `sumdb/tlog` and `note`
//! packages (`golden/`), and some built here from the specification's formulas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builder;
mod built;
mod golden;
mod program;
