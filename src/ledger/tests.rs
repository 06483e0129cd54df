use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::model::event::{Event, Grade, LinkFact, Login, Outcome, Proof};
use crate::model::finding::{Confidence, FindingId, Severity};
use crate::model::flow::{Direction, Flow, FlowId, Roles};
use crate::model::limits::{Limits, counted};
use crate::model::link::{Encryption, Upgrade};
use crate::model::packet::{FrameNo, Mark, Span};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::tls::Handshake;
use crate::proto::Nature;

fn mark(number: u64) -> Mark {
    Mark { frame: FrameNo { file: 0, number }, at: Timestamp::from_parts(number as i64, 0) }
}

fn flow(id: u64, client: u8, port: u16) -> Flow {
    let end = |last, port| Endpoint { ip: IpAddr::from([10, 0, 0, last]), port };
    let (client, server) = (end(client, 40000 + id as u16), end(200, port));
    Flow { id: FlowId(id), transport: Transport::Tcp, client, server, roles: Roles::Handshake, tunnel: None }
}

fn record(id: u64, port: u16) -> FlowRecord {
    let mut record = FlowRecord::new(&flow(id, 1, port), mark(id * 10));
    record.bytes(Direction::ToServer, 5);
    record.ended(mark(id * 10 + 5));
    record
}

fn speaks(record: &mut FlowRecord, name: &'static str, nature: Nature, how: Encryption) {
    record.protocol(name, nature);
    record.event(&Event::Link(LinkFact::Encrypted(how)));
}

fn login(record: &mut FlowRecord, mechanism: &'static str) {
    record.event(&Event::Login(Login {
        mechanism,
        proof: Proof::Password,
        username: Some(b"alice"),
        secret: Secret::new(b"secret"),
        field: "test",
        direction: Direction::ToServer,
        outcome: Outcome::Accepted,
        note: None,
        span: Span::at(mark(3)),
    }));
}

fn finding(flow: &Flow, rule: u32) -> Finding {
    Finding {
        id: FindingId(rule.into()),
        rule: RuleIndex(rule),
        severity: Severity::High,
        confidence: Confidence::High,
        flow: flow.id,
        protocol: "http",
        transport: flow.transport,
        client: flow.client,
        server: flow.server,
        server_name: None,
        tunnel: None,
        direction: Direction::ToServer,
        field: "field".to_owned(),
        username: None,
        value: None,
        outcome: None,
        why: crate::model::why::Why::default(),
        note: None,
        bulk: None,
        span: Span::at(mark(7)),
        count: 2,
        seen: Span::at(mark(7)),
    }
}

/// Rule 0 is about personal data, rule 1 about an attack.
fn kind(rule: RuleIndex) -> &'static str {
    if rule.0 == 0 { "pii.email" } else { "attack.sql_injection" }
}

fn link(records: Vec<FlowRecord>) -> Link {
    let mut ledger = Ledger::default();
    records.into_iter().for_each(|record| ledger.add(record));
    ledger.finish(kind).links.remove(0)
}

#[test]
fn cleartext_is_exposed_only_by_something_sensitive() {
    let mut quiet = record(1, 80);
    speaks(&mut quiet, "http", Nature::Cleartext, Encryption::None);
    let attack = finding(quiet.flow(), 1);
    quiet.finding(&attack);
    assert_eq!(link(vec![quiet]).verdict, Verdict::Cleartext);

    let mut found = record(1, 80);
    speaks(&mut found, "http", Nature::Cleartext, Encryption::None);
    let email = finding(found.flow(), 0);
    found.finding(&email);
    let link = link(vec![found]);
    assert_eq!(link.verdict, Verdict::Exposed);
    assert_eq!(link.data.iter().map(|(kind, count)| (&**kind, *count)).collect::<Vec<_>>(), [("pii.email", 2)]);
    assert_eq!(link.exposed, Some(Span::at(mark(7))));
}

#[test]
fn a_login_in_the_clear_exposes_the_link_and_is_graded_by_its_mechanism() {
    let mut record = record(1, 25);
    speaks(&mut record, "smtp", Nature::Cleartext, Encryption::None);
    login(&mut record, "scram-sha-256");
    login(&mut record, "plain");
    let link = link(vec![record]);
    assert_eq!(link.verdict, Verdict::Exposed);
    let auth: Vec<_> = link.auth.iter().map(|m| (m.name, m.grade)).collect();
    assert_eq!(auth, [("plain", Grade::Broken), ("scram-sha-256", Grade::Dated)]);
    let weak: Vec<_> = link.weaknesses().map(|w| (w.kind, w.grade)).collect();
    assert_eq!(weak, [("link.cleartext", Grade::Broken)]);
}

#[test]
fn the_least_protected_flow_speaks_for_the_link() {
    let mut done = record(1, 5432);
    speaks(&mut done, "postgresql", Nature::Cleartext, Encryption::None);
    done.event(&Event::Link(LinkFact::Upgrade(Upgrade::Done)));
    speaks(&mut done, "tls", Nature::Tls, Encryption::Upgraded);
    let mut refused = record(2, 5432);
    speaks(&mut refused, "postgresql", Nature::Cleartext, Encryption::None);
    refused.event(&Event::Link(LinkFact::Upgrade(Upgrade::Refused)));
    let silent = record(3, 5432);

    let link = link(vec![done, silent, refused]);
    assert_eq!((link.protocol, link.encryption), ("postgresql", Encryption::None));
    assert_eq!((link.upgrade, link.verdict, link.flows), (Some(Upgrade::Refused), Verdict::Cleartext, 3));
    let weak: Vec<_> = link.weaknesses().map(|w| (w.kind, w.grade)).collect();
    assert_eq!(weak, [("link.cleartext", Grade::Dated), ("link.upgrade_refused", Grade::Weak)]);
}

#[test]
fn a_link_is_called_by_what_it_says_in_the_clear() {
    let mut first = record(1, 8080);
    speaks(&mut first, "tls", Nature::Tls, Encryption::Tls);
    let mut second = record(2, 8080);
    speaks(&mut second, "tls", Nature::Tls, Encryption::Tls);
    let mut third = record(3, 8080);
    speaks(&mut third, "http", Nature::Cleartext, Encryption::None);
    let link = link(vec![first, second, third]);
    assert_eq!((link.protocol, link.encryption, link.verdict), ("http", Encryption::None, Verdict::Cleartext));
}

#[test]
fn text_beside_tls_exposes_the_link_but_is_no_cleartext_service() {
    let mut tls = record(1, 990);
    speaks(&mut tls, "tls", Nature::Tls, Encryption::Tls);
    let mut text = record(2, 990);
    let found = finding(text.flow(), 0);
    text.finding(&found);
    let link = link(vec![tls, text]);
    assert_eq!((link.protocol, link.verdict), ("tls", Verdict::Exposed));
    assert_eq!(link.weaknesses().count(), 0);
}

#[test]
fn an_upgrade_keeps_the_name_of_the_protocol_that_was_upgraded() {
    let mut record = record(1, 587);
    speaks(&mut record, "smtp", Nature::Cleartext, Encryption::None);
    record.event(&Event::Link(LinkFact::Upgrade(Upgrade::Done)));
    speaks(&mut record, "tls", Nature::Tls, Encryption::Upgraded);
    record.event(&Event::Tls(&Handshake { version: Some("TLSv1.2"), ..Handshake::default() }));
    let link = link(vec![record]);
    assert_eq!((link.protocol, link.encryption, link.verdict), ("smtp", Encryption::Upgraded, Verdict::Secure));
    assert_eq!(link.tls.unwrap().version, Some("TLSv1.2"));
    assert!(link.auth.is_empty());
}

#[test]
fn a_protocol_refuted_before_its_first_event_leaves_no_trace() {
    let mut record = record(1, 80);
    speaks(&mut record, "http", Nature::Cleartext, Encryption::None);
    record.protocol("unknown", Nature::Unknown);
    let link = link(vec![record]);
    assert_eq!((link.protocol, link.verdict), (UNKNOWN, Verdict::Unknown));
    assert_eq!(link.why, Some("no protocol was recognised"));
    assert_eq!(link.weaknesses().count(), 0);
}

#[test]
fn an_announced_connection_gets_the_protocol_it_was_announced_for() {
    let mut control = record(1, 21);
    speaks(&mut control, "ftp", Nature::Cleartext, Encryption::None);
    let endpoint = flow(0, 1, 50100).server;
    control.event(&Event::Link(LinkFact::Expect { endpoint, protocol: "ftp-data" }));
    let same_server = Endpoint { ip: [0; 4].into(), port: 50102 };
    control.event(&Event::Link(LinkFact::Expect { endpoint: same_server, protocol: "ftp-data" }));
    let mut ledger = Ledger::default();
    ledger.add(record(2, 50100));
    ledger.add(control);
    ledger.add(record(3, 50101));
    ledger.add(record(4, 50102));
    let links = ledger.finish(kind).links;
    let said: Vec<_> = links.iter().map(|l| (l.server.port, l.protocol, l.verdict)).collect();
    let expected = [
        (21, "ftp", Verdict::Cleartext),
        (50100, "ftp-data", Verdict::Cleartext),
        (50101, UNKNOWN, Verdict::Unknown),
        (50102, "ftp-data", Verdict::Cleartext),
    ];
    assert_eq!(said, expected);
}

#[test]
fn findings_are_counted_at_their_link_once_each() {
    let mut ledger = Ledger::default();
    ledger.add(record(1, 80));
    ledger.add(record(2, 81));
    let mut closed = ledger.finish(kind);
    let mut second = finding(&flow(2, 1, 81), 1);
    second.severity = Severity::Critical;
    closed.count(&[finding(&flow(2, 1, 81), 0), second]);
    let counted: Vec<_> = closed.links.iter().map(|l| (l.findings, l.worst)).collect();
    assert_eq!(counted, [(0, None), (2, Some(Severity::Critical))]);
}

#[test]
fn links_that_nobody_answers_take_room_from_their_like_alone_and_are_counted() {
    let mut ledger = Ledger::new(&Limits { links: 2, mute_links: 3, ..Limits::default() });
    for n in 0..10 {
        let mut mute = record(n, 1000 + n as u16);
        mute.bytes(Direction::ToServer, 4);
        ledger.add(mute);
    }
    for n in 10..13 {
        let mut answered = record(n, 80 + n as u16);
        Direction::BOTH.into_iter().for_each(|direction| answered.bytes(direction, 4));
        ledger.add(answered);
    }
    let closed = ledger.finish(kind);
    let ports: Vec<_> = closed.links.iter().map(|link| link.server.port).collect();
    assert_eq!(ports, [90, 91, 1000, 1001, 1002]);
    let reached: Vec<_> = closed.reached.iter().collect();
    assert_eq!(reached, [(counted::LINKS, 1), (counted::MUTE_LINKS, 7)]);
}

#[test]
fn a_full_map_keeps_the_smallest_keys_whole() {
    let mut forth = smallest::Smallest::new(3);
    let mut back = smallest::Smallest::new(3);
    let keys = [5, 1, 4, 1, 2, 5, 3, 1];
    keys.iter().for_each(|key| forth.merge(*key, 1, |a, b| *a += b));
    keys.iter().rev().for_each(|key| back.merge(*key, 1, |a, b| *a += b));
    let (forth, back): (Vec<_>, Vec<_>) = (forth.into_iter().collect(), back.into_iter().collect());
    assert_eq!(forth, [(1, 3), (2, 1), (3, 1)]);
    assert_eq!(forth, back);
}

/// A flow that did one of many things, chosen by `what`.
fn some_record(id: u64, what: u16) -> FlowRecord {
    let mut record = record(id, 5000 + what % 3);
    let bit = |n: u16| what >> n & 1 == 1;
    if bit(2) {
        let protocol = if bit(3) { "smtp" } else { "imap" };
        speaks(&mut record, protocol, Nature::Cleartext, Encryption::None);
        record.event(&Event::Link(LinkFact::ServerName(if bit(4) { "a.example" } else { "b.example" })));
    }
    if bit(5) {
        record.event(&Event::Link(LinkFact::Upgrade(if bit(6) { Upgrade::Done } else { Upgrade::OfferedUnused })));
        speaks(&mut record, "tls", Nature::Tls, Encryption::Upgraded);
        let version = Some(if bit(7) { "TLSv1.0" } else { "TLSv1.3" });
        record.event(&Event::Tls(&Handshake { version, span: Span::at(mark(id)), ..Handshake::default() }));
    }
    if bit(8) {
        login(&mut record, if bit(9) { "plain" } else { "cram-md5" });
    }
    if bit(10) {
        let found = finding(record.flow(), u32::from(bit(11)));
        record.finding(&found);
    }
    if bit(12) {
        let endpoint = flow(0, 1, 5001).server;
        let protocol = if bit(13) { "ftp-data" } else { "sip-media" };
        record.event(&Event::Link(LinkFact::Expect { endpoint, protocol }));
    }
    record
}

proptest! {
    #[test]
    fn the_order_of_flows_and_of_ledgers_is_of_no_matter(
        what in prop::collection::vec(any::<u16>(), 1..24),
        cut in 0usize..24,
        seed in any::<u64>(),
        room in 1usize..8,
    ) {
        let limits = Limits { links: room, mute_links: room, handshakes: room, expected: room, ..Limits::default() };
        let mut all = Ledger::new(&limits);
        what.iter().zip(1..).for_each(|(what, id)| all.add(some_record(id, *what)));

        let mut shuffled: Vec<_> = what.iter().copied().zip(1u64..).collect();
        shuffled.sort_by_key(|(_, id)| id.wrapping_mul(seed | 1).rotate_left(17));
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        let [left, mut right] = [left, right].map(|part| {
            let mut ledger = Ledger::new(&limits);
            part.iter().for_each(|(what, id)| ledger.add(some_record(*id, *what)));
            ledger
        });
        right.merge(left);

        prop_assert_eq!(format!("{:?}", all.finish(kind)), format!("{:?}", right.finish(kind)));
    }
}

#[test]
fn a_link_is_told_while_its_flow_goes_on_and_again_only_when_it_turns_out_otherwise() {
    let mut live = LiveLedger::new(&Limits::default());
    let mut one = record(1, 6379);
    speaks(&mut one, "redis", Nature::Cleartext, Encryption::None);
    live.note(one.news().unwrap());
    assert!(one.news().is_none(), "nothing new");
    let verdicts = |links: Vec<Link>| links.iter().map(|link| (link.verdict, link.flows)).collect::<Vec<_>>();
    assert_eq!(verdicts(live.news(kind)), [(Verdict::Cleartext, 1)]);
    live.add(one);
    assert_eq!(verdicts(live.news(kind)), []);
    assert_eq!(verdicts(live.grown(kind)), [(Verdict::Cleartext, 1)]);
    let mut two = record(2, 6379);
    speaks(&mut two, "redis", Nature::Cleartext, Encryption::None);
    login(&mut two, "clear");
    live.note(two.news().unwrap());
    assert_eq!(verdicts(live.news(kind)), [(Verdict::Exposed, 2)]);
}
