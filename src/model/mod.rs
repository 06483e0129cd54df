//! The vocabulary every stage shares: plain types without I/O, threads or clocks.

pub mod digest;
pub mod event;
pub mod finding;
pub mod flow;
pub mod limits;
pub mod link;
pub mod packet;
pub mod secret;
pub mod small;
pub mod stream;
pub mod summary;
pub mod tally;
pub mod time;
pub mod tls;
pub mod why;
