use super::{TCP, UDP};
use crate::model::flow::Transport;
use crate::proto::replay::{C, S, Said, Turn, play_datagrams, play_every_cut, play_with_gap};

fn ber(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let head = match content.len() {
        length @ 0..128 => vec![tag, length as u8],
        length => [&[tag, 0x82][..], &(length as u16).to_be_bytes()].concat(),
    };
    [head, content].concat()
}

/// `sysContact.0`.
const CONTACT: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 4, 0];

fn pdu(tag: u8, id: u8, value: &[u8]) -> Vec<u8> {
    let bind = ber(0x30, &[&ber(6, &[CONTACT]), value]);
    ber(tag, &[&[2, 1, id, 2, 1, 0, 2, 1, 0], &ber(0x30, &[&bind])])
}

fn open(version: u8, community: &str, pdu: &[u8]) -> Vec<u8> {
    ber(0x30, &[&[2, 1, version], &ber(4, &[community.as_bytes()]), pdu])
}

const ENGINE: &[u8] = &[0x80, 0, 0x1f, 0x88, 0x80, 1, 2, 3, 4, 5, 6, 7, 8];

/// A message of version 3. `flags` as in msgFlags; what is private is not read.
fn secured(id: u8, flags: u8, user: &str, digest: &[u8], pdu: &[u8]) -> Vec<u8> {
    let header = ber(0x30, &[&[2, 1, id], &[2, 3, 0, 0xff, 0xe3], &[4, 1, flags], &[2, 1, 3]]);
    let fields: [&[u8]; 6] =
        [&ber(4, &[ENGINE]), &[2, 1, 9], &[2, 2, 1, 0], &ber(4, &[user.as_bytes()]), &ber(4, &[digest]), &[4, 0]];
    let security = ber(4, &[&ber(0x30, &fields)]);
    let data = if flags & 2 == 0 { ber(0x30, &[&ber(4, &[ENGINE]), &[4, 0], pdu]) } else { ber(4, &[&[0x5a; 60]]) };
    ber(0x30, &[&[2, 1, 3], &header, &security, &data])
}

/// A report of this counter of `usmStats`.
fn report(counter: u8) -> Vec<u8> {
    let name = ber(6, &[&[0x2b, 6, 1, 6, 3, 15, 1, 1, counter, 0]]);
    let bind = ber(0x30, &[&name, &[0x41, 1, 1]]);
    ber(0xa8, &[&[2, 1, 0, 2, 1, 0, 2, 1, 0], &ber(0x30, &[&bind])])
}

fn datagrams(turns: &[Turn<'_>]) -> Said {
    play_datagrams(Transport::Udp, turns)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const NULL: &[u8] = &[5, 0];
const DIGEST: [u8; 12] = [0xd1; 12];

#[test]
fn an_answer_says_that_the_community_was_accepted() {
    let (ask, set) =
        (open(1, "w4tch-tower", &pdu(0xa0, 1, NULL)), open(0, "private", &pdu(0xa3, 2, &[4, 2, b'h', b'i'])));
    let answer = open(1, "w4tch-tower", &pdu(0xa2, 1, &ber(4, &[b"noc@lab.example"])));
    let said = datagrams(&[(C, &ask), (C, &ask), (S, &answer), (C, &set)]);
    assert_eq!(said.protocols, [UDP.name]);
    assert_eq!(
        said.lines,
        [
            "link Auth(\"community\")",
            "login community :w4tch-tower accepted @snmp.message.community",
            "field key snmp.value 1.3.6.1.2.1.1.4.0=noc@lab.example",
            "field key snmp.value 1.3.6.1.2.1.1.4.0=hi",
            "link Auth(\"community\")",
            "login community :private unknown @snmp.message.community",
        ]
    );
}

#[test]
fn one_side_alone_is_enough() {
    let answer = open(1, "r3ad-only", &pdu(0xa2, 1, NULL));
    assert_eq!(
        datagrams(&[(S, &answer)]).all("login"),
        ["login community :r3ad-only accepted @snmp.message.community"]
    );
    let trap =
        ber(0xa4, &[&ber(6, &[CONTACT]), &ber(0x40, &[&[10, 0, 0, 1]]), &[2, 1, 6, 2, 1, 1, 0x43, 1, 1, 0x30, 0]]);
    for trap in [open(0, "tr4p", &trap), open(1, "tr4p", &pdu(0xa7, 1, NULL))] {
        assert_eq!(datagrams(&[(C, &trap)]).all("login"), ["login community :tr4p unknown @snmp.message.community"]);
    }
}

#[test]
fn a_stream_of_messages_is_read_like_datagrams() {
    let (ask, answer) = (open(1, "w4tch-tower", &pdu(0xa5, 1, NULL)), open(1, "w4tch-tower", &pdu(0xa2, 1, NULL)));
    let said = play_every_cut(&TCP, &[(C, &[&ask[..], &ask].concat()), (S, &answer), (C, &ask)]);
    let login = |outcome| format!("login community :w4tch-tower {outcome} @snmp.message.community");
    assert_eq!(said.all("login"), [login("accepted"), login("unknown")]);
    let said = play_with_gap(&[(C, &ask), (C, &[0; 50]), (C, &ask)], 1);
    assert_eq!(said.all("skipped"), [format!("skipped malformed message {}", ask.len())]);
}

#[test]
fn a_digest_is_told_once_with_the_message_it_is_of() {
    let asked = secured(7, 5, "mira", &DIGEST, &pdu(0xa0, 1, NULL));
    let answer = secured(7, 1, "mira", &[0xd2; 12], &pdu(0xa2, 1, &ber(4, &[b"noc@lab.example"])));
    let again = secured(8, 5, "mira", &[0xd3; 12], &pdu(0xa1, 2, NULL));
    let blank = hex(&secured(7, 5, "mira", &[0; 12], &pdu(0xa0, 1, NULL)));
    let line = format!("$SNMPv3$0$0${blank}${}${}", hex(ENGINE), hex(&DIGEST));
    let said = datagrams(&[(C, &asked), (S, &answer), (C, &again), (S, &answer)]);
    assert_eq!(said.all("login"), [format!("login usm mira:{line} accepted @snmp.message.digest")]);
    assert_eq!(said.all("field").len(), 2);
    assert_eq!(datagrams(&[(C, &again)]).all("login").len(), 1);
}

#[test]
fn the_kind_of_digest_shows_in_its_length() {
    for (length, kind) in [(16, 3), (24, 4), (32, 5), (48, 6)] {
        let [asked, blank] = [0xd1, 0].map(|byte| secured(7, 5, "mira", &vec![byte; length], &pdu(0xa0, 1, NULL)));
        let line = format!("$SNMPv3${kind}$0${}${}${}", hex(&blank), hex(ENGINE), "d1".repeat(length));
        assert_eq!(
            datagrams(&[(C, &asked)]).all("login"),
            [format!("login usm mira:{line} unknown @snmp.message.digest")]
        );
    }
    let asked = secured(7, 5, "mira", &[0xd1; 13], &pdu(0xa0, 1, NULL));
    assert!(datagrams(&[(C, &asked)]).lines.is_empty());
}

#[test]
fn a_report_says_why_a_user_was_refused() {
    let asked = secured(7, 5, "mira", &DIGEST, &pdu(0xa0, 1, NULL));
    for (counter, outcome) in [(1, "rejected"), (3, "rejected"), (5, "rejected"), (4, "unknown"), (6, "unknown")] {
        let said = datagrams(&[(C, &asked), (S, &secured(7, 0, "mira", &[], &report(counter)))]);
        let logins = said.all("login");
        assert!(
            matches!(logins[..], [login] if login.ends_with(&format!("{outcome} @snmp.message.digest"))),
            "{counter}: {said:?}"
        );
    }
    // A clock that is off is told with the key of the user.
    let said = datagrams(&[(C, &asked), (S, &secured(7, 1, "mira", &[0xd2; 12], &report(2)))]);
    assert!(said.all("login")[0].ends_with("accepted @snmp.message.digest"), "{said:?}");
}

#[test]
fn what_is_private_is_not_read_and_protects_the_link() {
    let hello = [secured(1, 4, "", &[], &pdu(0xa0, 1, NULL)), secured(1, 0, "", &[], &report(4))];
    let (asked, answer) = (secured(7, 7, "mira", &DIGEST, &[]), secured(7, 3, "mira", &DIGEST, &[]));
    let said = datagrams(&[(C, &hello[0]), (S, &hello[1]), (C, &asked), (S, &answer)]);
    assert!(said.all("login")[0].ends_with("accepted @snmp.message.digest"), "{said:?}");
    assert_eq!(said.all("skipped"), [format!("skipped encrypted after handshake {}", asked.len() + answer.len())]);
    // A trap that is private looks like an answer, and comes from the other side.
    assert!(datagrams(&[(C, &answer)]).all("login")[0].ends_with("unknown @snmp.message.digest"));
}

#[test]
fn a_user_without_a_key_is_told_of_the_link() {
    let said = datagrams(&[(C, &secured(7, 4, "mira", &[], &pdu(0xa0, 1, NULL)))]);
    assert_eq!(said.lines, ["link Auth(\"usm-none\")"]);
}

#[test]
fn what_is_cut_off_gives_what_is_left_of_it() {
    let ask = open(1, "w4tch-tower", &pdu(0xa0, 1, NULL));
    for end in 0..ask.len() {
        let said = datagrams(&[(C, &ask[..end])]);
        assert_eq!(said.all("login").len(), usize::from(end >= 20), "{end}: {said:?}");
    }
    let asked = secured(7, 5, "mira", &DIGEST, &pdu(0xa0, 1, NULL));
    for end in 0..asked.len() {
        assert!(datagrams(&[(C, &asked[..end])]).all("login").is_empty(), "{end}");
    }
}

#[test]
fn other_messages_in_ber_are_not_taken_for_it() {
    let community = ber(4, &[b"public"]);
    let get = pdu(0xa0, 1, NULL);
    let message = |parts: &[&[u8]]| ber(0x30, parts);
    for bytes in [
        // Versions that nobody speaks, and a PDU that the version does not have.
        message(&[&[2, 1, 2], &community, &get]),
        message(&[&[2, 1, 0], &community, &pdu(0xa5, 1, NULL)]),
        // A bind of LDAP, a key of SEC 1.
        message(&[&[2, 1, 1], &ber(0x60, &[&[2, 1, 3], &community, &[0x80, 0]])]),
        message(&[&[2, 1, 1], &ber(4, &[&[7; 32]]), &ber(0xa0, &[&[6, 1, 1]]), &[0xa1, 0]]),
        // Something behind the message.
        message(&[&[2, 1, 1], &community, &get, &[5, 0]]),
    ] {
        assert_ne!(datagrams(&[(C, &bytes)]).protocols, [UDP.name], "{bytes:02x?}");
    }
}

#[test]
fn users_are_remembered_up_to_a_number() {
    let turns: Vec<_> = (0..100).map(|n| secured(7, 5, &format!("u{n}"), &DIGEST, &pdu(0xa0, 1, NULL))).collect();
    let turns: Vec<Turn<'_>> = turns.iter().map(|bytes| (C, bytes.as_slice())).collect();
    let said = datagrams(&turns);
    assert_eq!((said.all("login").len(), said.all("beyond").len()), (100, 36));
}
