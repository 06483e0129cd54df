//! Hand-made findings, links and summaries for the tests of the sinks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::ledger::{Closed, FlowRecord, Ledger};
use crate::model::event::{Event, LinkFact, Outcome, Weakness};
use crate::model::finding::{Confidence, Finding, FindingId, RuleIndex, Severity, Value};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use crate::model::limits::counted;
use crate::model::link::{Encryption, Upgrade};
use crate::model::packet::{FrameNo, Mark, Span};
use crate::model::summary::{Capture, CaptureFile, Note, Summary};
use crate::model::time::Timestamp;
use crate::model::tls::{Certificate, Handshake};
use crate::model::why::{Fact, Why};
use crate::proto::Nature;
use crate::rules::Catalogue;

const RULES: &str = r#"
[[rule]]
id = "http.basic-auth"
title = "HTTP Basic credentials in cleartext"
kind = "cred.basic"
severity = "critical"
description = "Anyone on the path can read it."
fix = "Serve the site over HTTPS alone, redirect everything else to it, and have every password changed that went over in the clear."
references = ["CWE-319", "ATT&CK:T1040"]
on = "login"

[[rule]]
id = "card.number"
title = "Payment card number"
kind = "fin.pan"
severity = "high"
description = "A card."
fix = "Encrypt the link."
on = "login"

[[rule]]
id = "link.cleartext"
title = "Service without encryption"
kind = "link.cleartext"
severity = "low"
description = "No TLS."
fix = "Turn TLS on."
on = "weakness"
weakness = ["link.cleartext"]

[[rule]]
id = "tls.old-version"
title = "Outdated TLS version"
kind = "tls.version"
severity = "medium"
description = "Old."
fix = "Require TLS 1.2."
on = "weakness"
weakness = ["tls.version"]
"#;

pub(super) const BASIC: u32 = 0;
pub(super) const CARD: u32 = 1;
pub(super) const CLEARTEXT: u32 = 2;
pub(super) const OLD_TLS: u32 = 3;

pub(super) fn catalogue() -> Arc<Catalogue> {
    let mut catalogue = Catalogue::default();
    catalogue.add("samples", RULES).unwrap();
    Arc::new(catalogue)
}

pub(super) fn mark(number: u64) -> Mark {
    let at = Timestamp::from_parts(1_767_323_045 + number as i64, 123_456_789);
    Mark { frame: FrameNo { file: 0, number }, at }
}

pub(super) fn flow(id: u64, port: u16) -> Flow {
    let end = |last, port| Endpoint { ip: IpAddr::from([10, 0, 0, last]), port };
    let (client, server) = (end(5, 51514), end(9, port));
    Flow { id: FlowId(id), transport: Transport::Tcp, client, server, roles: Roles::Handshake, tunnel: None }
}

/// A login of `username`, let in, seen three times.
pub(super) fn login(username: &str) -> Finding {
    let flow = flow(1, 80);
    let span = Span { first: mark(12), last: mark(14) };
    Finding {
        id: FindingId(username.len() as u64),
        rule: RuleIndex(BASIC),
        severity: Severity::Critical,
        confidence: Confidence::High,
        flow: flow.id,
        protocol: "http",
        transport: flow.transport,
        client: flow.client,
        server: flow.server,
        server_name: Some("shop.example".to_owned()),
        tunnel: None,
        direction: Direction::ToServer,
        field: "http.request.header.authorization".to_owned(),
        username: Some(username.to_owned()),
        value: Some(value("••••••", 9)),
        outcome: Some(Outcome::Accepted),
        why: Why::of(Fact::Followed),
        note: Some("realm \"Admin\"".to_owned()),
        bulk: None,
        span,
        count: 3,
        seen: Span { first: mark(12), last: mark(90) },
    }
}

/// A card number that ends in `last`.
pub(super) fn card(last: u32) -> Finding {
    Finding {
        id: FindingId(0x100 + u64::from(last)),
        rule: RuleIndex(CARD),
        severity: Severity::High,
        direction: Direction::ToClient,
        field: "http.response.body.card".to_owned(),
        username: None,
        value: Some(value(&format!("•••••• {last:04}"), 16)),
        outcome: None,
        why: Why::of(Fact::Named).and(Fact::Form),
        note: None,
        count: 1,
        span: Span::at(mark(20 + u64::from(last))),
        ..login("x")
    }
}

/// Something weak about a link or a handshake, at a server's `port`.
pub(super) fn weak(rule: u32, port: u16, note: &str) -> Finding {
    Finding {
        id: FindingId(u64::from(rule) << 32 | u64::from(port)),
        rule: RuleIndex(rule),
        severity: if rule == OLD_TLS { Severity::Medium } else { Severity::Low },
        server: flow(1, port).server,
        server_name: None,
        protocol: if rule == OLD_TLS { "tls" } else { "http" },
        field: "link".to_owned(),
        username: None,
        value: None,
        outcome: None,
        note: Some(note.to_owned()),
        count: 1,
        ..login("x")
    }
}

fn value(masked: &str, length: usize) -> Value {
    Value { masked: masked.to_owned(), fingerprint: "hmac:3f9c".to_owned(), length, clear: None }
}

/// An exposed link, one that was upgraded, one with outdated TLS and one that nobody knows.
pub(super) fn ledger(findings: &[Finding]) -> Closed {
    let mut ledger = Ledger::default();
    let mut http = record(1, 80, "http", Nature::Cleartext, Encryption::None);
    http.event(&Event::Link(LinkFact::ServerName("shop.example")));
    http.event(&Event::Link(LinkFact::Auth("basic")));
    findings.iter().filter(|f| f.server.port == 80).for_each(|f| http.finding(f));
    ledger.add(http);
    let mut mail = record(2, 587, "smtp", Nature::Cleartext, Encryption::None);
    mail.event(&Event::Link(LinkFact::Upgrade(Upgrade::Done)));
    mail.protocol("tls", Nature::Tls);
    mail.event(&Event::Link(LinkFact::Encrypted(Encryption::Upgraded)));
    mail.event(&Event::Tls(&Handshake { version: Some("TLSv1.3"), span: Span::at(mark(20)), ..Handshake::default() }));
    ledger.add(mail);
    let mut old = record(3, 443, "tls", Nature::Tls, Encryption::Tls);
    let chain = vec![Certificate { subject: "CN=old.example".to_owned(), ..Certificate::default() }];
    let handshake = Handshake {
        version: Some("TLSv1.0"),
        cipher: Some("TLS_RSA_WITH_RC4_128_SHA".to_owned()),
        offered_ciphers: vec![0x0005],
        sni: Some("old.example".to_owned()),
        chain,
        span: Span::at(mark(30)),
        ..Handshake::default()
    };
    old.event(&Event::Tls(&handshake));
    old.event(&Event::Weakness(Weakness {
        kind: "tls.version",
        value: "TLSv1.0",
        note: "",
        grade: crate::model::event::Grade::Weak,
        direction: Direction::ToClient,
        span: Span::at(mark(30)),
    }));
    ledger.add(old);
    ledger.add(FlowRecord::new(&flow(4, 9999), mark(40)));
    let mut closed = ledger.finish(|rule| if rule.0 == CARD { "fin.pan" } else { "cred.basic" });
    closed.count(findings);
    closed
}

fn record(id: u64, port: u16, protocol: &'static str, nature: Nature, how: Encryption) -> FlowRecord {
    let mut record = FlowRecord::new(&flow(id, port), mark(id));
    record.protocol(protocol, nature);
    record.event(&Event::Link(LinkFact::Encrypted(how)));
    record.bytes(Direction::ToServer, 1000);
    record.ended(mark(id + 50));
    record
}

pub(super) fn summary(findings: &[Finding], closed: &Closed) -> Summary {
    let file = CaptureFile {
        name: "a.pcapng".to_owned(),
        packets: 12_345,
        bytes: 9_876_543,
        span: Some((mark(0).at, mark(300).at)),
    };
    let mut summary = Summary {
        capture: Capture { files: vec![file], ..Capture::default() },
        elapsed: Duration::from_millis(250),
        notes: vec![Note { file: "a.pcapng".to_owned(), message: "the last packet is cut short".to_owned(), count: 1 }],
        ..Summary::default()
    };
    summary.limits.add(counted::LINKS, 2);
    summary.streams.tcp = 4;
    summary.streams.gaps = 2;
    summary.streams.gap_bytes = 3000;
    summary.skipped.add("unknown protocol", 4096);
    let catalogue = catalogue();
    for finding in findings {
        summary.findings.add(finding.severity, catalogue.rule(finding.rule).category());
    }
    for link in &closed.links {
        *summary.links.entry(link.verdict.name()).or_default() += 1;
    }
    summary
}
