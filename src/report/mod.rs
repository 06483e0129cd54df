//! Findings, links and handshakes, for people and for machines.

pub mod community_id;
pub mod escape;
pub mod layout;
mod ndjson;
#[cfg(test)]
mod samples;
mod terminal;
pub mod words;

pub use ndjson::Ndjson;
pub use terminal::{Feed, Level, Terminal, View, state};

use std::io;
use std::sync::Arc;

use crate::ledger::{Link, TlsFact};
use crate::model::finding::Finding;
use crate::model::summary::Summary;
use crate::rules::Catalogue;

/// Takes what a run found. The calls come in this order: the inputs, findings from the worst to the
/// least, handshakes, links, and the summary, which is the last. A live run tells findings and links as
/// they come and as they change, between the inputs and the rest.
pub trait Sink: Send {
    /// The names of the inputs, in the order of [`crate::model::packet::FrameNo::file`].
    fn inputs(&mut self, names: &[String]) -> io::Result<()>;

    /// Rules were loaded anew: later findings are numbered by this catalogue, which goes on from the one
    /// before ([`Catalogue::succeeding`]).
    fn rules(&mut self, catalogue: &Arc<Catalogue>) -> io::Result<()>;

    /// One finding.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// One distinct handshake.
    fn tls(&mut self, fact: &TlsFact) -> io::Result<()>;

    /// One link.
    fn link(&mut self, link: &Link) -> io::Result<()>;

    /// The end.
    fn summary(&mut self, summary: &Summary) -> io::Result<()>;

    /// A finding that was told before and has been seen again. Live runs alone do this.
    fn update(&mut self, finding: &Finding) -> io::Result<()> {
        self.finding(finding)
    }

    /// How a live run stands.
    fn status(&mut self, _summary: &Summary) -> io::Result<()> {
        Ok(())
    }

    /// Nothing is kept back of what was told.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
