//! TLS from SSL 2.0 to TLS 1.3: what both sides said before they began to encrypt, and how weak it is.
//! Nothing is decrypted, and what is encrypted is not looked at.
//!
//! Bytes become records (`record`), records become handshake messages (`message`), and messages
//! become a `transcript`, which tells the facts and has them graded (`audit`).

mod audit;
mod certificate;
mod exchange;
mod fingerprint;
mod hello;
mod message;
mod names;
mod probe;
mod record;
mod sslv2;
#[cfg(test)]
mod tests;
mod transcript;

use std::ops::Range;

use super::{Analyzer, Nature, Progress, Protocol};
use crate::model::event::{Event, EventSink, Skip};
use crate::model::flow::{Direction, Transport};
use crate::model::limits;
use crate::model::stream::{Gathered, Input, Stretch};
use message::{Expect, Message, Messages};
pub use names::cipher_suite;
use record::{Content, Records, Step};
use transcript::Transcript;

/// TLS over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "tls",
    transport: Transport::Tcp,
    ports: &[443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 5671, 6697, 8443, 8883],
    nature: Nature::Tls,
    probe: probe::probe,
    start: || Box::<Tls>::default(),
};

/// Length of an alert in the clear: level, description.
const ALERT: usize = 2;
/// The level of an alert that ends the connection.
const FATAL: u8 = 2;

/// One handshake.
#[derive(Debug, Default)]
struct Tls {
    lanes: [Lane; 2],
    transcript: Transcript,
    /// One side gave up in the clear.
    failed: bool,
    reported: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    records: Records,
    messages: Messages,
    /// A record of SSL 2.0, as far as it has come.
    ssl2: Gathered,
    /// What the current record carries.
    content: Option<Content>,
    /// Nothing of the current record's content was seen yet.
    fresh: bool,
    /// ChangeCipherSpec was seen while it could not be told whether it means anything.
    announced: bool,
    /// Everything to come is encrypted or of no interest.
    sealed: bool,
    /// Bytes are missing.
    gapped: bool,
    /// Bytes that were not looked at because they are encrypted.
    encrypted: usize,
    /// Bytes that belong to no record.
    astray: usize,
}

impl Analyzer for Tls {
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress {
        let mut at = 0;
        while !self.is_complete() {
            match self.step(input.direction, input.data, at) {
                0 => break,
                consumed => at += consumed,
            }
        }
        let seen_any = self.lanes.iter().any(|lane| lane.records.begun());
        if !seen_any && self.lanes.iter().any(|lane| lane.astray > limits::OPENING_BYTES) {
            return Progress::NotMine;
        }
        if self.is_complete() {
            self.report(out);
            return Progress::Stop;
        }
        Progress::Continue(at)
    }

    fn gap(&mut self, direction: Direction, missing: u64, _out: &mut dyn EventSink) {
        let Self { lanes, transcript, .. } = self;
        if let Some(lane) = lanes.get_mut(direction.index()).filter(|lane| !lane.sealed) {
            lane.gap(direction, missing, transcript);
        }
    }

    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink) {
        for (lane, input) in self.lanes.iter_mut().zip(left) {
            lane.messages.lost(&mut |message| self.transcript.message(input.direction, message));
            lane.finish_ssl2(input.direction, &mut self.transcript);
            lane.astray += input.bytes().len();
        }
        self.report(out);
    }
}

impl Tls {
    /// Looks at the next piece of a direction; says how many bytes are done with.
    fn step(&mut self, direction: Direction, data: Stretch<'_>, at: usize) -> usize {
        let Self { lanes, transcript, failed, .. } = self;
        let Some(lane) = lanes.get_mut(direction.index()) else { return 0 };
        let rest = data.bytes.get(at..).unwrap_or_default();
        if lane.sealed {
            lane.pass(rest.len());
            return rest.len();
        }
        match lane.records.step(rest) {
            Step::Wait => 0,
            Step::Astray(count) => {
                lane.astray = (lane.astray + count).min(limits::HANDSHAKE_PATIENCE);
                count
            }
            Step::Begin { header, content, length } => {
                lane.begin(direction, content, length, transcript);
                header
            }
            Step::Body(count) => {
                // The level comes first; a warning lets the handshake go on.
                *failed |= lane.fresh && lane.content == Some(Content::Alert) && rest.first() == Some(&FATAL);
                lane.body(direction, data, at..at + count, transcript);
                count
            }
        }
    }

    /// Whether nothing more can be learnt.
    fn is_complete(&self) -> bool {
        let [a, b] = &self.lanes;
        let tls_1_3 = self.transcript.version().is_some_and(names::is_tls_1_3);
        self.failed
            || (a.sealed && b.sealed)
            // The server's hello is all that TLS 1.3 says in the clear.
            || (tls_1_3 && self.transcript.has_client() && (a.sealed || b.sealed))
            // The other side was not captured, or the session was running before the capture began.
            || self.lanes.iter().any(|lane| lane.encrypted.max(lane.astray) >= limits::HANDSHAKE_PATIENCE)
    }

    fn report(&mut self, out: &mut dyn EventSink) {
        if std::mem::replace(&mut self.reported, true) {
            return;
        }
        self.transcript.report(out);
        for lane in &self.lanes {
            let astray = if lane.gapped { Skip::Gap } else { Skip::Malformed };
            for (reason, bytes) in [(Skip::Encrypted, lane.encrypted), (astray, lane.astray)] {
                if bytes > 0 {
                    out.event(Event::Skipped { reason, bytes: bytes as u64 });
                }
            }
        }
    }
}

impl Lane {
    /// A record begins.
    fn begin(&mut self, direction: Direction, content: Content, length: usize, transcript: &mut Transcript) {
        self.content = Some(content);
        self.fresh = true;
        let version = transcript.version();
        let before_1_3 = version.is_some_and(|v| !names::is_tls_1_3(v));
        match content {
            // TLS 1.3 sends it for the sake of middleboxes only (RFC 8446 appendix D.4).
            Content::ChangeCipherSpec if before_1_3 => {
                transcript.encrypts(direction);
                self.sealed = true;
            }
            Content::ChangeCipherSpec => self.announced = true,
            Content::Handshake if self.announced && before_1_3 => self.sealed = true,
            Content::Handshake => self.messages.record(if self.announced { Expect::Hello } else { Expect::Any }),
            // A client may send data before the server has answered, and a second hello after it.
            Content::ApplicationData => self.sealed = version.is_some() || !transcript.is_client(direction),
            Content::Alert => self.sealed = length != ALERT,
            Content::Heartbeat | Content::Ssl2 => {}
        }
    }

    /// Content of the current record.
    fn body(&mut self, direction: Direction, data: Stretch<'_>, range: Range<usize>, transcript: &mut Transcript) {
        self.fresh = false;
        match self.content {
            Some(Content::Handshake) => {
                let mut each = |message: Message<'_>| transcript.message(direction, message);
                let encrypted = self.messages.push(data, range, &mut each);
                self.pass(encrypted.unwrap_or_default());
                self.sealed = encrypted.is_some() || (self.records.is_between() && transcript.is_done(direction));
            }
            Some(Content::Ssl2) => {
                self.ssl2.push_part(data, range);
                if self.records.is_between() {
                    self.finish_ssl2(direction, transcript);
                }
            }
            Some(Content::ApplicationData) => self.pass(range.len()),
            _ => {}
        }
    }

    fn gap(&mut self, direction: Direction, missing: u64, transcript: &mut Transcript) {
        self.gapped = true;
        transcript.gap(direction);
        let within = self.records.gap(missing);
        self.finish_ssl2(direction, transcript);
        let mut each = |message: Message<'_>| transcript.message(direction, message);
        if !within {
            self.messages.lost(&mut each);
        } else if self.content == Some(Content::Handshake) {
            self.messages.gap(missing as usize, &mut each);
        }
    }

    /// A record of SSL 2.0 is complete, or as complete as it gets.
    fn finish_ssl2(&mut self, direction: Direction, transcript: &mut Transcript) {
        if !self.ssl2.is_empty() {
            let record = self.ssl2.stretch();
            self.sealed = transcript.ssl2(direction, record.bytes, record.whole());
            self.ssl2.clear();
        }
    }

    /// Counts bytes that are encrypted, as far as they matter.
    fn pass(&mut self, count: usize) {
        self.encrypted = (self.encrypted + count).min(limits::HANDSHAKE_PATIENCE);
    }
}
