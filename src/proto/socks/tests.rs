use super::{V4, V5};
use crate::proto::replay::{C, S, play, play_every_cut, play_with_gap};

const METHODS: &[u8] = b"\x05\x03\0\x01\x02";
const LOGIN: &[u8] = b"\x01\x03bob\x09hunter2.9";
const CONNECT: &[u8] = b"\x05\x01\0\x03\x0bwww.example\0\x50";
const DONE: &[u8] = b"\x05\0\0\x01\x0a\0\0\x01\x9c\x40";
const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: www.example\r\nAuthorization: Basic ZXZhOnMzY3JldC13b3Jk\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const INSIDE: &str = "login basic eva:s3cret-word accepted @http.request.header.authorization";

#[test]
fn a_login_gets_its_verdict_and_what_is_relayed_is_read() {
    let turns =
        [(C, METHODS), (S, b"\x05\x02"), (C, LOGIN), (S, b"\x01\0"), (C, CONNECT), (S, DONE), (C, GET), (S, OK)];
    let said = play_every_cut(&V5, &turns);
    assert_eq!(said.protocols, ["socks5", "http"]);
    assert_eq!(said.all("login"), ["login clear bob:hunter2.9 accepted @socks5.login", INSIDE]);
    // A hole in the negotiation leaves the rest of it, and what is relayed. Without its first message it is not known.
    for missing in [1, 3, 4, 5] {
        let said = play_with_gap(&turns, missing);
        assert_eq!(
            said.all("login"),
            ["login clear bob:hunter2.9 accepted @socks5.login", INSIDE],
            "{missing}: {said:?}"
        );
    }
    assert_eq!(play_with_gap(&turns, 2).all("login"), [INSIDE]);
}

#[test]
fn a_refused_login_is_told_and_the_rest_is_left() {
    let said = play_every_cut(&V5, &[(C, METHODS), (S, b"\x05\x02"), (C, LOGIN), (S, b"\x01\x01")]);
    assert_eq!(said.all("login"), ["login clear bob:hunter2.9 rejected @socks5.login"]);
    let said = play_every_cut(&V5, &[(C, METHODS), (S, b"\x05\x02"), (C, LOGIN)]);
    assert_eq!(said.all("login"), ["login clear bob:hunter2.9 unknown @socks5.login"]);
    let said = play_every_cut(&V5, &[(C, METHODS), (S, b"\x05\xff")]);
    assert!(said.lines.is_empty());
}

#[test]
fn each_side_alone_is_enough() {
    let said = play(&[(C, METHODS), (C, LOGIN), (C, CONNECT), (C, GET)]);
    assert_eq!(said.protocols, ["socks5", "http"]);
    assert_eq!(said.all("login").len(), 2);
    assert_eq!(play(&[(S, b"\x05\0"), (S, DONE), (S, OK)]).protocols, ["socks5", "http"]);
    let old = b"\x04\x01\0\x50\x0a\0\0\x02eva\0";
    assert_eq!(play(&[(C, old), (C, GET)]).protocols, ["socks4", "http"]);
}

#[test]
fn what_is_sent_before_the_answer_is_relayed_after_it() {
    let turns = [(C, &b"\x05\x01\0"[..]), (S, b"\x05\0"), (C, CONNECT), (C, GET), (S, DONE), (S, OK)];
    let said = play_every_cut(&V5, &turns);
    assert_eq!(said.protocols, ["socks5", "http"]);
    assert!(said.has("link Auth(\"anonymous\")") && said.has(INSIDE), "{said:?}");
}

#[test]
fn version_4_names_a_user_and_perhaps_a_host() {
    let done = b"\0\x5a\0\x50\x0a\0\0\x02";
    for (request, auth) in
        [(&b"\x04\x01\0\x50\x0a\0\0\x02eva\0"[..], "userid"), (b"\x04\x01\0\x50\0\0\0\x01\0www.example\0", "anonymous")]
    {
        let said = play_every_cut(&V4, &[(C, request), (S, done), (C, GET), (S, OK)]);
        assert_eq!(said.protocols, ["socks4", "http"]);
        assert!(said.has(&format!("link Auth(\"{auth}\")")) && said.has(INSIDE), "{said:?}");
    }
    let refused = play_every_cut(&V4, &[(C, b"\x04\x01\0\x50\x0a\0\0\x02\0"), (S, b"\0\x5b\0\0\0\0\0\0")]);
    assert_eq!(refused.lines, ["link Auth(\"anonymous\")"]);
}

#[test]
fn a_bound_port_is_relayed_after_the_second_answer() {
    let bind = b"\x05\x02\0\x01\x0a\0\0\x02\0\x15";
    let said =
        play_every_cut(&V5, &[(C, b"\x05\x01\0"), (S, b"\x05\0"), (C, bind), (S, DONE), (S, DONE), (C, GET), (S, OK)]);
    assert!(said.has(INSIDE), "{said:?}");
}

#[test]
fn tickets_and_datagrams_are_not_followed() {
    let said = play_every_cut(&V5, &[(C, METHODS), (S, b"\x05\x01"), (C, b"\x01\x01\0\x04abcd")]);
    assert_eq!(said.lines, ["link Auth(\"gssapi\")"]);
    let datagrams = b"\x05\x03\0\x01\0\0\0\0\0\0";
    let said = play_every_cut(&V5, &[(C, b"\x05\x01\0"), (S, b"\x05\0"), (C, datagrams), (S, DONE), (C, GET)]);
    assert_eq!(said.protocols, ["socks5"]);
}

#[test]
fn what_only_begins_alike_is_something_else() {
    for turns in [
        // A method that was not offered; a bind of DCE/RPC; a request of Cassandra; an address of no kind.
        [(C, &b"\x05\x01\0"[..]), (S, b"\x05\x02")],
        [(C, b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0"), (S, b"\x05\0\x0c\x03\x10\0\0\0")],
        [(C, b"\x04\0\0\x01\x05\0\0\0\0"), (S, b"\x84\0\0\x01\x06\0\0\0\0")],
        [(C, b"\x05\x01\0\x05\x01\0\x09"), (S, b"\x05\0")],
        [(C, b"\x04\x01\0\0\x0a\0\0\x02\0"), (S, b"\0\x5a\0\0\0\0\0\0")],
        [(C, b"\x04\x01\0\x50\x0a\0\0\x02\x80\0"), (S, b"\0\x5a\0\0\0\0\0\0")],
    ] {
        let protocols = play(&turns).protocols;
        assert!(!protocols.iter().any(|name| name.starts_with("socks")), "{protocols:?} of {turns:02x?}");
    }
}

#[test]
fn nonsense_behind_a_login_is_counted() {
    let said = play_every_cut(&V5, &[(C, METHODS), (S, b"\x05\x02"), (C, LOGIN), (S, b"\x01\0"), (C, b"nonsense")]);
    assert_eq!(said.all("skipped"), ["skipped malformed message 8"]);
}
