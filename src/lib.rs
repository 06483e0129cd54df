//! plainsight shows what a network says in plain sight: credentials, tokens and personal data in
//! cleartext, TLS that is too weak, and every link that should be encrypted and is not.
//!
//! Bytes go one way: [`source`] → [`decode`] → [`flow`] → [`proto`] (with [`content`]) → [`rules`] and
//! [`ledger`] → [`report`]. [`model`] is the vocabulary they share, [`pipeline`] joins them, [`cli`] is
//! what the operator talks to. `ARCHITECTURE.md` has the map and its invariants.

pub mod cli;
pub mod content;
pub mod decode;
pub mod flow;
pub mod ledger;
pub mod model;
pub mod pipeline;
pub mod proto;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod source;
