use super::PROTOCOL;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

const GREETING: Turn<'static> = (S, b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n");
const CAPABILITIES: [Turn<'static>; 2] = [(C, b"CAPA\r\n"), (S, b"+OK\r\nUSER\r\nSTLS\r\nSASL PLAIN\r\n.\r\n")];

#[test]
fn attempts_and_their_outcomes_are_reported() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            GREETING,
            CAPABILITIES[0],
            CAPABILITIES[1],
            (C, b"USER hugo\r\n"),
            (S, b"+OK\r\n"),
            (C, b"PASS wrong one\r\n"),
            (S, b"-ERR no\r\n"),
            (C, b"USER hugo\r\nPASS right\r\n"),
            (S, b"+OK\r\n+OK Logged in.\r\n"),
        ],
    );
    let expected = [
        "link Auth(\"clear\")",
        "login clear hugo:wrong one rejected @pop3.pass",
        "link Upgrade(OfferedUnused)",
        "link Auth(\"clear\")",
        "login clear hugo:right accepted @pop3.pass",
    ];
    assert_eq!(said.lines, expected);
}

/// The example of RFC 1939, section 7.
#[test]
fn apop_becomes_a_line_for_john() {
    let said = play_every_cut(
        &PROTOCOL,
        &[GREETING, (C, b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"), (S, b"+OK maildrop has 1 message\r\n")],
    );
    let line = "login apop mrose:$dynamic_1017$c4c9334bac560ecc979e58001b3e22fb$HEX$\
                3c313839362e363937313730393532406462632e6d74766965772e63612e75733e accepted @pop3.apop";
    assert!(said.has(line), "{said:?}");
}

#[test]
fn sasl_with_and_without_an_initial_response() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            GREETING,
            (C, b"AUTH\r\n"),
            (S, b"+OK\r\nPLAIN\r\n.\r\n"),
            (C, b"AUTH PLAIN\r\n"),
            (S, b"+ \r\n"),
            (C, b"AGFuAHdyb25n\r\n"),
            (S, b"-ERR no\r\n"),
            (C, b"AUTH PLAIN AGFuAHJpZ2h0\r\n"),
            (S, b"+OK yes\r\n"),
        ],
    );
    assert_eq!(
        said.all("login"),
        ["login plain an:wrong rejected @pop3.auth", "login plain an:right accepted @pop3.auth"]
    );
}

#[test]
fn fetched_messages_are_read() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            GREETING,
            (C, b"LIST\r\n"),
            (S, b"+OK\r\n1 30\r\n.\r\n"),
            (C, b"RETR 1\r\nQUIT\r\n"),
            (S, b"+OK 30 octets\r\nSubject: s\r\n\r\n..dot\r\n.\r\n+OK bye\r\n"),
        ],
    );
    assert_eq!(said.lines, ["field header pop3.message.header Subject=s", "text pop3.message Plain  .dot\r\n"]);
}

#[test]
fn stls_turns_the_connection_into_tls() {
    let said = play(&[GREETING, CAPABILITIES[0], CAPABILITIES[1], (C, b"STLS\r\n"), (S, b"+OK Begin TLS\r\n")]);
    assert_eq!(said.lines, ["link Upgrade(Done)"]);
}

#[test]
fn either_direction_alone_is_recognised() {
    let client = play(&[(C, b"USER alice\r\nPASS toor\r\nSTAT\r\n")]);
    assert!(client.has("login clear alice:toor unknown @pop3.pass"), "{client:?}");
    let server = play(&[(S, b"+OK POP3\r\n+OK\r\n+OK\r\n+OK 9 octets\r\nSubject: s\r\n\r\nhi\r\n.\r\n+OK bye\r\n")]);
    assert_eq!(server.protocols, ["pop3"]);
    assert!(server.has("text pop3.message Plain  hi\r\n"), "{server:?}");
}

#[test]
fn a_missing_reply_leaves_the_login() {
    let turns = [GREETING, (C, b"USER a\r\n"), (S, b"+OK\r\n"), (C, b"PASS b\r\n"), (S, b"+OK in\r\n")];
    assert!(play_with_gap(&turns, 4).has("login clear a:b unknown @pop3.pass"));
}

#[test]
fn lookalikes_are_refused() {
    let ftp = play(&[(C, b"USER a\r\nPASS b\r\nCWD /\r\n")]);
    let redis = play(&[(C, b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n"), (S, b"+OK\r\n")]);
    for said in [ftp, redis] {
        assert!(!said.protocols.contains(&"pop3"), "{said:?}");
    }
}
