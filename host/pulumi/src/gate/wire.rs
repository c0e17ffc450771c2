//! The messages and the service of Pulumi's analyzer protocol, as far as the gate needs them.

#![allow(missing_docs, unreachable_pub, clippy::all, reason = "made by the build script")]

include!(concat!(env!("OUT_DIR"), "/pulumirpc.rs"));
