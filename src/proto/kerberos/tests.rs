use super::{TCP, UDP};
use crate::model::flow::{Direction, Transport};
use crate::proto::replay::{C, S, Said, Turn, play_datagrams, play_every_cut};

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = if length < 128 { vec![length as u8] } else { [&[0x82][..], &(length as u16).to_be_bytes()].concat() };
    [&[tag], &head[..], content].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// An element of this number in a sequence.
fn field(number: u8, content: Vec<u8>) -> Vec<u8> {
    der(0xa0 | number, &content)
}

fn number(n: u8) -> Vec<u8> {
    der(2, &[n])
}

fn name(parts: &[&str]) -> Vec<u8> {
    let parts: Vec<_> = parts.iter().map(|part| der(0x1b, part.as_bytes())).collect();
    sequence(&[field(0, number(1)), field(1, sequence(&parts))])
}

fn encrypted(etype: u8, cipher: &[u8]) -> Vec<u8> {
    sequence(&[field(0, number(etype)), field(2, der(4, cipher))])
}

fn padata(kind: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[field(1, number(kind)), field(2, der(4, value))])
}

fn request(user: &str, proof: Option<Vec<u8>>) -> Vec<u8> {
    let mut fields = vec![field(1, number(5)), field(2, number(10))];
    if let Some(proof) = proof {
        fields.push(field(3, sequence(&[padata(128, b"0"), padata(2, &proof)])));
    }
    let body = [field(0, der(3, &[0; 5])), field(1, name(&[user])), field(2, der(0x1b, b"LAB"))];
    fields.push(field(4, sequence(&body)));
    der(0x6a, &sequence(&fields))
}

/// An answer with a ticket for a service; `kind` is 11 for the first, 13 for others.
fn reply(kind: u8, user: &str, service: &[&str], [ticket, own]: [(u8, &[u8]); 2], more: Option<u8>) -> Vec<u8> {
    let ticket = [
        field(0, number(5)),
        field(1, der(0x1b, b"LAB")),
        field(2, name(service)),
        field(3, encrypted(ticket.0, ticket.1)),
    ];
    let mut fields = vec![field(0, number(5)), field(1, number(kind))];
    fields.extend(more.map(|kind| field(2, sequence(&[padata(kind, b"0")]))));
    fields.extend([
        field(3, der(0x1b, b"LAB")),
        field(4, name(&[user])),
        field(5, der(0x61, &sequence(&ticket))),
        field(6, encrypted(own.0, own.1)),
    ]);
    der(0x60 | kind, &sequence(&fields))
}

fn error(code: u8) -> Vec<u8> {
    der(0x7e, &sequence(&[field(0, number(5)), field(1, number(30)), field(6, number(code))]))
}

fn cut(turns: &[(Direction, Vec<u8>)]) -> Said {
    let framed: Vec<_> = turns
        .iter()
        .map(|(direction, message)| (*direction, [&(message.len() as u32).to_be_bytes(), &message[..]].concat()))
        .collect();
    let turns: Vec<Turn<'_>> = framed.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect();
    play_every_cut(&TCP, &turns)
}

fn hex(byte: u8, count: usize) -> String {
    format!("{byte:02x}").repeat(count)
}

const TICKET: &[u8] = &[0x33; 60];

#[test]
fn a_login_gives_what_the_client_and_what_the_server_encrypted() {
    let (sent, given) = ([[0xaa; 44].as_slice(), &[0xbb; 12]].concat(), [[0xcc; 80].as_slice(), &[0xdd; 12]].concat());
    let answer = reply(11, "mira", &["krbtgt", "LAB"], [(18, TICKET), (18, &given)], None);
    let said = cut(&[
        (C, request("mira", None)),
        (S, error(25)),
        (C, request("mira", Some(encrypted(18, &sent)))),
        (S, answer),
    ]);
    let sent = format!("$krb5pa$18$mira$LAB${}{}", hex(0xaa, 44), hex(0xbb, 12));
    let given = format!("$krb5asrep$18$mira$LAB${}${}", hex(0xdd, 12), hex(0xcc, 80));
    let logins = [
        format!("login kerberos mira:{sent} accepted @kerberos.as_req"),
        format!("login kerberos mira:{given} accepted @kerberos.as_rep"),
    ];
    assert_eq!(said.all("login"), logins);
}

#[test]
fn rc4_has_its_checksum_in_front_and_each_kind_its_own_order() {
    let cipher = [[0x11; 16].as_slice(), &[0x22; 36]].concat();
    let (checksum, rest) = (hex(0x11, 16), hex(0x22, 36));
    for (code, outcome) in [(24, "rejected"), (14, "unknown")] {
        let said = cut(&[(C, request("bob", Some(encrypted(23, &cipher)))), (S, error(code))]);
        let line = format!("$krb5pa$23$bob$LAB$${rest}{checksum}");
        assert_eq!(said.all("login"), [format!("login kerberos-rc4 bob:{line} {outcome} @kerberos.as_req")]);
    }
    let answer = reply(11, "bob", &["krbtgt", "LAB"], [(23, &cipher), (23, &cipher)], None);
    let line = format!("$krb5asrep$23$bob@LAB:{checksum}${rest}");
    assert_eq!(cut(&[(S, answer)]).all("login"), [format!("login kerberos-rc4 bob:{line} accepted @kerberos.as_rep")]);
    let answer = reply(13, "bob", &["cifs", "files"], [(23, &cipher), (18, TICKET)], None);
    let line = format!("$krb5tgs$23$*files$LAB$cifs/files*${checksum}${rest}");
    assert_eq!(cut(&[(S, answer)]).all("login"), [format!("login kerberos-rc4 bob:{line} accepted @kerberos.tgs_rep")]);
}

#[test]
fn nothing_is_said_of_keys_that_nobody_chose() {
    let cipher = [0x11; 60];
    let nothing: [&str; 0] = [];
    let machine = request("DESK$", Some(encrypted(18, &cipher)));
    assert_eq!(cut(&[(C, machine), (S, error(24))]).all("login"), nothing);
    for (kind, user, service, more) in [
        (11, "DESK$", ["krbtgt", "LAB"], None),
        // The keys of PKINIT and FAST are others.
        (11, "mira", ["krbtgt", "LAB"], Some(17)),
        (11, "mira", ["krbtgt", "LAB"], Some(136)),
        (13, "mira", ["krbtgt", "OTHER"], None),
    ] {
        let answer = reply(kind, user, &service, [(23, &cipher), (23, &cipher)], more);
        assert_eq!(cut(&[(S, answer)]).all("login"), nothing, "{user} {service:?} {more:?}");
    }
    let answer = reply(13, "mira", &["cifs", "files"], [(18, &cipher), (18, &cipher)], None);
    assert_eq!(cut(&[(S, answer)]).all("login"), nothing);
}

#[test]
fn datagrams_are_messages() {
    let sent = request("mira", Some(encrypted(18, &[0xaa; 56])));
    let said = play_datagrams(Transport::Udp, &[(C, &sent), (S, &error(24))]);
    assert_eq!(said.protocols, [UDP.name]);
    let line = format!("$krb5pa$18$mira$LAB${}", hex(0xaa, 56));
    assert_eq!(said.all("login"), [format!("login kerberos mira:{line} rejected @kerberos.as_req")]);
    // Cut short by the capture.
    for end in 0..sent.len() {
        play_datagrams(Transport::Udp, &[(C, &sent[..end])]);
    }
}

#[test]
fn what_is_behind_a_hole_is_counted() {
    let said = crate::proto::replay::play_with_gap(
        &[
            (C, &[0, 0, 0, 200, 0x6a, 0x81, 0xc5, 0x30, 0x81, 0xc2, 0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10]),
            (C, &[1; 50]),
            (C, &[2; 130]),
        ],
        1,
    );
    assert_eq!(said.all("skipped"), ["skipped malformed message 130", "skipped resynchronising after a gap 20"]);
}
