//! A link: all flows of one client to one server, and the verdict on them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::record::{Details, FlowRecord, Sightings, earlier};
use super::tls::worst;
use super::{LinkKey, UNKNOWN};
use crate::model::event::Grade;
use crate::model::finding::{RuleIndex, Severity};
use crate::model::flow::{Endpoint, Flow, FlowId, Roles, Transport, Tunnel};
use crate::model::limits::{self, Cap};
use crate::model::link::{Encryption, Upgrade};
use crate::model::packet::Span;
use crate::model::small::SmallMap;
use crate::model::tls::Handshake;

/// Kinds of finding that expose something of somebody's: on a readable link they make it an exposed one.
const SENSITIVE: [&str; 6] = ["cred.", "secret.", "fin.", "id.", "health.", "pii."];

/// Who talks to whom, protected how.
#[derive(Clone, Debug)]
pub struct Link {
    /// The client's address.
    pub client: IpAddr,
    /// The server.
    pub server: Endpoint,
    /// Transport protocol.
    pub transport: Transport,
    /// The server's usual name, where one was said.
    pub server_name: Option<Box<str>>,
    /// The protocol most of its flows speak; [`UNKNOWN`] when none was recognised.
    pub protocol: &'static str,
    /// The least protection any of its flows had.
    pub encryption: Encryption,
    /// The worst outcome of a switch to TLS.
    pub upgrade: Option<Upgrade>,
    /// The parameters of its worst handshake.
    pub tls: Option<Arc<Handshake>>,
    /// Authentication mechanisms seen, worst first.
    pub auth: Vec<Mechanism>,
    /// Sightings by kind of finding.
    pub data: SmallMap<Box<str>, u64>,
    /// What to think of it.
    pub verdict: Verdict,
    /// Why nothing can be said of it, for [`Verdict::Unknown`].
    pub why: Option<&'static str>,
    /// How many flows it had.
    pub flows: u64,
    /// Payload bytes to the server and to the client.
    pub bytes: [u64; 2],
    /// First and last packet.
    pub seen: Span,
    /// Worst severity of its findings.
    pub worst: Option<Severity>,
    /// Distinct findings on it.
    pub findings: u64,
    /// The tunnels its flows were in: the first few in order of kind and number.
    pub tunnels: BTreeSet<Tunnel>,
    /// Its first flow.
    pub flow: Flow,
    /// Where a login or something sensitive was first readable.
    pub exposed: Option<Span>,
}

/// An authentication mechanism and what a listener gets from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// Its usual name.
    pub name: &'static str,
    /// `Broken`: the password or an equal of it. `Weak`: something that is quick to crack.
    /// `Dated`: something that is slow to crack.
    pub grade: Grade,
}

/// What to think of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Readable, and something sensitive was read.
    Exposed,
    /// Readable.
    Cleartext,
    /// Encrypted in a way that can be attacked.
    Weak,
    /// Nothing can be said.
    Unknown,
    /// Encrypted.
    Secure,
}

impl Verdict {
    /// All, worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Exposed, Self::Cleartext, Self::Weak, Self::Unknown, Self::Secure];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cleartext => "cleartext",
            Self::Exposed => "exposed",
            Self::Secure => "secure",
            Self::Unknown => "unknown",
            Self::Weak => "weak",
        }
    }
}

/// Something weak about a link as a whole, for its rule to grade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkWeakness {
    /// The kind of finding it leads to.
    pub kind: &'static str,
    /// The protocol.
    pub value: &'static str,
    /// The facts.
    pub note: String,
    /// How bad.
    pub grade: Grade,
    /// The packets that show it.
    pub span: Span,
}

impl Link {
    pub(super) const fn key(&self) -> LinkKey {
        LinkKey { client: self.client, server: self.server, transport: self.transport }
    }

    /// What is weak about the link itself, apart from what was found on it.
    pub fn weaknesses(&self) -> impl Iterator<Item = LinkWeakness> + '_ {
        let span = self.exposed.unwrap_or(Span::at(self.seen.first));
        let weakness = move |kind, note: String, grade| LinkWeakness { kind, value: self.protocol, note, grade, span };
        let readable = match self.verdict {
            _ if !recognised(self.protocol) || self.encryption != Encryption::None => None,
            Verdict::Cleartext => Some((Grade::Dated, "readable by anyone on the path")),
            Verdict::Exposed => Some((Grade::Broken, "a login or sensitive data was readable")),
            Verdict::Secure | Verdict::Unknown | Verdict::Weak => None,
        };
        let readable = readable.map(|(grade, fact)| {
            let flows = if self.flows == 1 { "1 connection".to_owned() } else { format!("{} connections", self.flows) };
            weakness("link.cleartext", format!("{} without encryption, {flows}; {fact}", self.protocol), grade)
        });
        let grade = if self.verdict == Verdict::Exposed { Grade::Broken } else { Grade::Weak };
        let upgrade = match self.upgrade {
            Some(Upgrade::OfferedUnused) => {
                Some(("link.upgrade_unused", "the server offered TLS and the client went on in cleartext"))
            }
            Some(Upgrade::Refused) => Some(("link.upgrade_refused", "the client asked for TLS and the server refused")),
            Some(Upgrade::Done | Upgrade::DoneLate | Upgrade::NotOffered) | None => None,
        };
        readable.into_iter().chain(upgrade.map(|(kind, note)| weakness(kind, note.to_owned(), grade)))
    }
}

/// What a link is worth when there is no room for all: the lesser goes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// Something was found.
    Telling,
    /// Both sides spoke, or the protocol is known.
    Real,
    /// Bytes of one side that nobody answered: its address may be forged.
    Mute,
}

/// A link while its flows are still being added up.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// How many flows spoke it, and the least protection of them.
    protocols: SmallMap<&'static str, (u64, Encryption)>,
    flows: u64,
    bytes: [u64; 2],
    /// From the first packet of its first flow.
    seen: Span,
    /// Its first flow, and that one's client port and how sure its roles are.
    first: (FlowId, u16, Roles, Option<Tunnel>),
    text: bool,
    encryption: Encryption,
    weak: bool,
    /// Of at least one handshake the outcome was seen.
    negotiated: bool,
    worst: Option<Severity>,
    details: Option<Box<Details>>,
}

impl Account {
    /// The account of one flow.
    pub(super) fn of(record: FlowRecord) -> Self {
        let flow = record.flow();
        let first = (flow.id, flow.client.port, flow.roles, flow.tunnel);
        let mut details = record.details;
        if let Some(tunnel) = record.flow.tunnel {
            details.get_or_insert_default().tunnels.merge(tunnel, (), |(), ()| {});
        }
        let mut protocols = SmallMap::default();
        protocols.merge(record.protocol, (1, record.encryption), |_, _| {});
        Self {
            protocols,
            flows: 1,
            bytes: record.bytes,
            seen: record.span,
            first,
            text: record.text,
            encryption: record.encryption,
            weak: record.weak,
            negotiated: record.negotiated,
            worst: record.worst,
            details,
        }
    }

    pub(super) const fn flows(&self) -> u64 {
        self.flows
    }

    /// Lists that are as long as they may be.
    pub(super) fn full(&self) -> impl Iterator<Item = Cap> {
        let full = |length: usize, cap: Cap| (length >= cap.most()).then_some(cap);
        let details = self.details.as_deref();
        let [names, tunnels] = details.map_or([0; 2], |details| [details.names.len(), details.tunnels.len()]);
        [full(names, Cap::ServerNames), full(tunnels, Cap::Tunnels)].into_iter().flatten()
    }

    /// The worth of a flow's account.
    pub(super) fn worth(&self, transport: Transport) -> Worth {
        if self.worst.is_some() || self.details.as_ref().is_some_and(|details| details.login.is_some()) {
            return Worth::Telling;
        }
        // Of TCP without a byte the handshake at least was answered.
        let silent = !transport.is_datagram() && self.bytes == [0, 0];
        let (.., roles, _) = self.first;
        // So was one after which the server has spoken.
        let greeted = !transport.is_datagram() && roles == Roles::Handshake && self.bytes[1] > 0;
        let answered = silent || greeted || self.bytes.iter().all(|bytes| *bytes > 0);
        let known = self.protocols.iter().any(|(name, _)| recognised(name));
        if answered || known { Worth::Real } else { Worth::Mute }
    }

    /// Adds another account of the same link. The order is of no matter.
    pub(super) fn merge(&mut self, other: Self) {
        if (other.seen.first, other.first.0) < (self.seen.first, self.first.0) {
            self.first = other.first;
        }
        self.seen = self.seen.join(other.seen);
        self.protocols.merge_all(other.protocols, |there, more| *there = (there.0 + more.0, least(there.1, more.1)));
        self.text |= other.text;
        self.encryption = least(self.encryption, other.encryption);
        self.weak |= other.weak;
        self.negotiated |= other.negotiated;
        self.worst = self.worst.max(other.worst);
        self.flows += other.flows;
        self.bytes = [self.bytes[0] + other.bytes[0], self.bytes[1] + other.bytes[1]];
        match (&mut self.details, other.details) {
            (Some(details), Some(more)) => details.merge(*more),
            (none @ None, more) => *none = more,
            (Some(_), None) => {}
        }
    }

    /// The link it comes to. `announced`: the protocol another link said would be spoken here.
    pub(super) fn close<'k>(
        self,
        key: LinkKey,
        announced: Option<&'static str>,
        kind: &impl Fn(RuleIndex) -> &'k str,
    ) -> Link {
        let (mut protocol, mut encryption) = (self.usual_protocol(), self.encryption);
        if let Some(announced) = announced
            && !recognised(protocol)
        {
            protocol = announced;
            encryption = least(encryption, Encryption::None);
        }
        let none = Details::default();
        let details = self.details.as_deref().unwrap_or(&none);
        let mut data = SmallMap::default();
        let mut exposed = details.login.as_deref().copied();
        for (rule, seen) in details.data.iter() {
            let kind = kind(*rule);
            data.merge(kind.into(), seen.count, |there, more| *there += more);
            if SENSITIVE.iter().any(|family| kind.starts_with(family)) {
                exposed = earlier(exposed, seen.first);
            }
        }
        if exposed.is_some() && encryption == Encryption::Unknown {
            encryption = Encryption::None;
        }
        let (id, port, roles, tunnel) = self.first;
        let (verdict, why) = self.judge(encryption, exposed.is_some());
        let mut auth: Vec<_> =
            details.mechanisms.iter().map(|(name, grade)| Mechanism { name, grade: *grade }).collect();
        auth.sort_by_key(|mechanism| (std::cmp::Reverse(mechanism.grade), mechanism.name));
        let usual_name = details.names.iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
        Link {
            client: key.client,
            server: key.server,
            transport: key.transport,
            server_name: usual_name.map(|(name, _)| name.clone()),
            protocol,
            encryption,
            upgrade: details.upgrade,
            tls: details.tls.clone(),
            auth,
            data,
            verdict,
            why,
            flows: self.flows,
            bytes: self.bytes,
            seen: self.seen,
            worst: self.worst,
            findings: 0,
            tunnels: details.tunnels.iter().map(|(tunnel, ())| *tunnel).collect(),
            flow: Flow {
                id,
                transport: key.transport,
                client: Endpoint { ip: key.client, port },
                server: key.server,
                roles,
                tunnel,
            },
            exposed,
        }
    }

    fn judge(&self, encryption: Encryption, exposed: bool) -> (Verdict, Option<&'static str>) {
        if exposed {
            return (Verdict::Exposed, None);
        }
        let unknown = |why| (Verdict::Unknown, Some(why));
        match encryption {
            Encryption::None => (Verdict::Cleartext, None),
            Encryption::Opaque => unknown("looks encrypted, by no protocol known here"),
            Encryption::Unknown if self.bytes == [0, 0] => unknown("nothing was sent"),
            Encryption::Unknown if self.text => unknown("readable text of no protocol known here"),
            Encryption::Unknown => unknown("no protocol was recognised"),
            Encryption::Own | Encryption::Ssh | Encryption::Tls | Encryption::Upgraded if self.weak => {
                (Verdict::Weak, None)
            }
            Encryption::Tls | Encryption::Upgraded if !self.negotiated => {
                unknown("no server's answer to a TLS hello was captured")
            }
            Encryption::Own | Encryption::Ssh | Encryption::Tls | Encryption::Upgraded => (Verdict::Secure, None),
        }
    }

    /// The protocol that the link is judged by: a recognised one, among those the least protected, of
    /// those the one most flows spoke.
    fn usual_protocol(&self) -> &'static str {
        let rank = |name: &str, (flows, encryption): (u64, Encryption)| {
            (recognised(name), encryption == self.encryption, flows)
        };
        let best = self
            .protocols
            .iter()
            .reduce(|best, next| if rank(next.0, *next.1) > rank(best.0, *best.1) { next } else { best });
        best.map_or(UNKNOWN, |(name, _)| name)
    }
}

impl Details {
    fn merge(&mut self, other: Self) {
        self.upgrade = self.upgrade.into_iter().chain(other.upgrade).max_by_key(|upgrade| trouble(*upgrade));
        self.tls = worst(self.tls.take(), other.tls);
        self.mechanisms.merge_all(other.mechanisms, |_, _| {});
        self.names.merge_all(other.names, |there, more| *there += more);
        self.names.truncate(limits::SERVER_NAMES);
        self.tunnels.merge_all(other.tunnels, |(), ()| {});
        self.tunnels.truncate(limits::LINK_TUNNELS);
        let logins = [self.login.take(), other.login];
        self.login = logins.into_iter().flatten().min_by_key(|span| (span.first, span.last));
        self.data.merge_all(other.data, Sightings::add);
    }
}

/// What a listener gets from a mechanism.
pub(super) fn grade_of(mechanism: &str) -> Grade {
    const SLOW: [&str; 9] = [
        "caching_sha2_password",
        "ed25519",
        "gssapi",
        "kerberos",
        "negotiate",
        "ra2",
        "sha256_password",
        "srp",
        "external",
    ];
    const QUICK: [&str; 15] = [
        "apop",
        "ard",
        "chap",
        "cram-md5",
        "digest",
        "digest-md5",
        "kerberos-rc4",
        "md5",
        "mschapv2",
        "mysql_native_password",
        "mysql_old_password",
        "ntlm",
        "ntlmssp",
        "usm",
        "vnc",
    ];
    match mechanism {
        name if name.starts_with("scram-") || SLOW.contains(&name) => Grade::Dated,
        name if QUICK.contains(&name) => Grade::Weak,
        _ => Grade::Broken,
    }
}

fn recognised(protocol: &str) -> bool {
    protocol != UNKNOWN
}

/// The lesser protection. A flow that said nothing says nothing about the link, and one that looks
/// encrypted to a server that encrypts is more of the same, seen from the middle.
fn least(a: Encryption, b: Encryption) -> Encryption {
    let weight = |encryption| match encryption {
        Encryption::Unknown => u8::MAX,
        Encryption::Opaque => u8::MAX - 1,
        known => known as u8,
    };
    if weight(a) <= weight(b) { a } else { b }
}

/// How bad the outcome of a switch to TLS is, for the worst of several flows.
const fn trouble(upgrade: Upgrade) -> u8 {
    match upgrade {
        Upgrade::Done => 0,
        Upgrade::NotOffered => 1,
        Upgrade::DoneLate => 2,
        Upgrade::OfferedUnused => 3,
        Upgrade::Refused => 4,
    }
}
