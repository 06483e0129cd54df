//! Protocols: one file (or folder) each, and one line in [`PROTOCOLS`].
//!
//! A protocol is a [`Protocol`]: its name, a `probe` that judges the first bytes of a conversation,
//! and a `start` that makes an [`Analyzer`] for one flow. Analyzers are incremental state machines:
//!
//! * [`Analyzer::data`] gets the bytes of one direction that were not consumed before, plus what has
//!   arrived since, and says how many it is done with. It loops over as many whole messages as there
//!   are; asking for more is `Progress::Continue(consumed)` with the rest left over.
//! * The two directions arrive in the order they were captured. Either may be missing altogether (a
//!   one-way tap), begin in the middle, or have holes.
//! * [`Analyzer::gap`] says that bytes are missing; what was left over is gone. The analyzer finds
//!   its footing again at the next thing it recognises.
//! * Nothing the wire says is an error: no panic, no hang, no unbounded memory.
//! * A login is an event once its outcome is known, or at [`Analyzer::end`].

pub mod amqp;
mod authorization;
pub mod ber;
pub mod bulk;
pub mod cassandra;
pub mod classify;
pub mod cursor;
pub mod dicom;
pub mod dotted;
pub mod fix;
pub mod ftp;
pub mod headed;
pub mod hl7;
pub mod http;
pub mod imap;
pub mod iso8583;
pub mod kerberos;
pub mod ldap;
pub mod lines;
pub mod login;
pub mod message;
pub mod mongodb;
pub mod mqtt;
pub mod mysql;
pub mod ntlm;
pub mod pop3;
pub mod postgresql;
pub mod ppp;
pub mod redis;
#[cfg(test)]
pub mod replay;
pub mod rtsp;
pub mod sasl;
pub mod session;
pub mod sip;
pub mod smb;
pub mod smtp;
pub mod snmp;
pub mod socks;
pub mod ssh;
pub mod tds;
pub mod telnet;
pub mod text;
pub mod tls;
pub mod upgrade;
pub mod value;
pub mod vnc;
pub mod websocket;
pub mod xmpp;

use std::fmt;

pub use crate::content::pieces;
use crate::model::event::EventSink;
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// Every protocol, in the order their probes are asked. The order decides nothing but ties between
/// two `Likely`; a test holds every fixture against every probe.
pub static PROTOCOLS: &[&Protocol] = &[
    &tls::PROTOCOL,
    &ssh::PROTOCOL,
    &http::PROTOCOL,
    &http::h2::PROTOCOL,
    &websocket::PROTOCOL,
    &smtp::PROTOCOL,
    &ftp::PROTOCOL,
    &pop3::PROTOCOL,
    &imap::PROTOCOL,
    &kerberos::TCP,
    &kerberos::UDP,
    &ldap::PROTOCOL,
    &snmp::UDP,
    &snmp::TCP,
    &mysql::PROTOCOL,
    &tds::PROTOCOL,
    &mongodb::PROTOCOL,
    &smb::PROTOCOL,
    &mqtt::PROTOCOL,
    &amqp::PROTOCOL,
    &cassandra::PROTOCOL,
    &dicom::PROTOCOL,
    &fix::PROTOCOL,
    &hl7::PROTOCOL,
    &iso8583::PROTOCOL,
    &socks::V5,
    &socks::V4,
    &vnc::PROTOCOL,
    &sip::UDP,
    &sip::TCP,
    &rtsp::PROTOCOL,
    &xmpp::PROTOCOL,
    &telnet::PROTOCOL,
    &postgresql::PROTOCOL,
    &redis::PROTOCOL,
    &ppp::PAP,
    &ppp::CHAP,
];

/// One protocol.
pub struct Protocol {
    /// The name every output uses.
    pub name: &'static str,
    /// What it runs over.
    pub transport: Transport,
    /// Usual server ports: a hint for who is the server and for ties, never a gate.
    pub ports: &'static [u16],
    /// What it means that this protocol is on the wire.
    pub nature: Nature,
    /// Judges the first bytes of a conversation.
    pub probe: fn(&Opening<'_>) -> Verdict,
    /// Makes an analyzer for one flow.
    pub start: fn() -> Box<dyn Analyzer>,
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whether a protocol protects what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Readable by anyone on the path.
    Cleartext,
    /// TLS.
    Tls,
    /// Encrypted in its own way: SSH.
    Ssh,
    /// Nobody knows: the stand-in for a protocol that was not recognised.
    Unknown,
}

/// The first bytes of a conversation, up to [`crate::model::limits::OPENING_BYTES`] of each direction.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// From the client.
    pub to_server: &'a [u8],
    /// From the server.
    pub to_client: &'a [u8],
    /// Port of the server. May make a `Likely` of a `NeedMore`, never a `Certain` of a `No`.
    pub server_port: u16,
    /// The stream began in the middle (no SYN seen): the bytes may start inside a message.
    pub midstream: bool,
    /// Nothing more will come.
    pub ended: bool,
}

impl<'a> Opening<'a> {
    /// The bytes of one direction.
    pub const fn side(&self, direction: Direction) -> &'a [u8] {
        match direction {
            Direction::ToServer => self.to_server,
            Direction::ToClient => self.to_client,
        }
    }
}

/// What a probe makes of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It cannot be anything else.
    Certain,
    /// It fits, and could be something else.
    Likely,
    /// It may become this; there is too little to tell.
    NeedMore,
    /// It is not this.
    No,
}

/// Follows one flow of one protocol.
pub trait Analyzer: Send {
    /// Looks at the bytes of one direction.
    fn data(&mut self, input: Input<'_>, out: &mut dyn EventSink) -> Progress;

    /// `missing` bytes of one direction were not captured. What `data` had left over is dropped.
    fn gap(&mut self, direction: Direction, missing: u64, out: &mut dyn EventSink);

    /// What goes on after a [`Progress::Handoff`], where it must know what came before.
    fn heir(&mut self) -> Option<Box<dyn Analyzer>> {
        None
    }

    /// Neither direction will say more. Report what was held back. `left` is what each direction had
    /// left over (to server, to client).
    fn end(&mut self, left: [Input<'_>; 2], out: &mut dyn EventSink);
}

/// What an analyzer says of the bytes it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are done with; call again when there are more.
    Continue(usize),
    /// So many bytes are done with, and the next so many of this direction are of no interest (the
    /// body of an image): they need not be kept, copied or delivered. The analyzer counts them
    /// itself with `Event::Skipped`; a hole inside them is not reported to it.
    Skip(usize, u64),
    /// So many bytes are done with, and what follows in both directions is another protocol.
    Handoff(usize, Next),
    /// This is some other protocol after all (only before the first event).
    NotMine,
    /// Nothing more is wanted of this flow: the rest is encrypted, or of no use.
    Stop,
}

/// What a connection turns into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// TLS: STARTTLS, SSLRequest, `AUTH TLS`.
    Tls,
    /// HTTP/2, which HTTP/1.1 was upgraded to.
    Http2,
    /// WebSocket, which HTTP has announced.
    WebSocket,
    /// Whatever it turns out to be: the inside of a CONNECT tunnel, an upgraded HTTP connection.
    Unknown,
}
