use super::PROTOCOL;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

const GREETING: Turn<'static> = (S, b"* OK [CAPABILITY IMAP4rev1 SASL-IR STARTTLS LITERAL+] Dovecot ready.\r\n");

#[test]
fn login_is_read_in_every_notation() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            GREETING,
            (C, b"a1 LOGIN kira wrong\r\n"),
            (S, b"a1 NO [AUTHENTICATIONFAILED] no\r\n"),
            (C, b"a2 login \"kira\" \"Imap \\\"quoted\\\" b\\\\ack\"\r\n"),
            (S, b"a2 BAD no\r\n"),
            (C, b"a3 LOGIN {4}\r\n"),
            (S, b"+ OK\r\n"),
            (C, b"kira {8+}\r\nli\r\neral\r\n"),
            (S, b"a3 OK [CAPABILITY IMAP4rev1] in\r\n"),
        ],
    );
    let logins = [
        "login clear kira:wrong rejected @imap.login",
        "login clear kira:Imap \"quoted\" b\\ack rejected @imap.login",
        "login clear kira:li\r\neral accepted @imap.login",
    ];
    assert_eq!(said.all("login"), logins);
    assert_eq!(said.all("link Upgrade"), ["link Upgrade(OfferedUnused)"]);
}

#[test]
fn authenticate_is_followed_to_its_outcome() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, b"* OK ready\r\n"),
            (C, b"1 CAPABILITY\r\n"),
            (S, b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n1 OK done\r\n"),
            (C, b"2 AUTHENTICATE PLAIN\r\n"),
            (S, b"+ \r\n"),
            (C, b"AG1pYQB3cm9uZw==\r\n"),
            (S, b"2 NO no\r\n"),
            (C, b"3 AUTHENTICATE XOAUTH2 dXNlcj1zdmVuAWF1dGg9QmVhcmVyIHRvawEB\r\n"),
            (S, b"3 OK in\r\n"),
        ],
    );
    assert_eq!(
        said.lines,
        [
            "link Auth(\"plain\")",
            "login plain mia:wrong rejected @imap.login",
            "link Upgrade(NotOffered)",
            "link Auth(\"xoauth2\")",
            "login xoauth2 sven:tok accepted @imap.login",
        ]
    );
}

#[test]
fn fetched_and_stored_messages_are_read() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, b"* PREAUTH IMAP4rev1 in\r\n"),
            (C, b"a FETCH 1 (FLAGS BODY[])\r\n"),
            (S, b"* 1 FETCH (FLAGS (\\Seen) BODY[] {24}\r\nSubject: s\r\n\r\nbody (1)\r\n UID 3)\r\na OK done\r\n"),
            (C, b"b FETCH 1 BODY[1]\r\n"),
            (S, b"* 1 FETCH (BODY[1] {11}\r\nnote: hello UID 3)\r\nb OK done\r\n"),
            (C, b"c APPEND INBOX (\\Seen) {14+}\r\nSubject: t\r\n\r\n\r\nd LOGOUT\r\n"),
        ],
    );
    let expected = [
        "field header imap.message.header Subject=s",
        "field header imap.message.header Subject=t",
        "text imap.message Plain  body (1)\r\n",
        "text imap.message Plain  note: hello",
    ];
    assert_eq!(said.lines, expected);
}

#[test]
fn a_message_fetched_in_parts_is_one_message() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, b"* PREAUTH IMAP4rev1 in\r\n"),
            (C, b"a FETCH 1 BODY[]<0.14>\r\n"),
            (S, b"* 1 FETCH (BODY[]<0> {14}\r\nSubject: s\r\n\r\n)\r\na OK done\r\n"),
            (C, b"b FETCH 1 BODY[]<14.8>\r\n"),
            (S, b"* 1 FETCH (BODY[]<14> {8}\r\nto: you\n)\r\nb OK done\r\n"),
        ],
    );
    assert_eq!(said.lines, ["field header imap.message.header Subject=s", "text imap.message Plain  to: you\n"]);
}

#[test]
fn starttls_turns_the_connection_into_tls_or_is_refused() {
    let said = play(&[GREETING, (C, b"a STARTTLS\r\n"), (S, b"a OK Begin TLS\r\n")]);
    assert_eq!(said.lines, ["link Upgrade(Done)"]);
    let said =
        play_every_cut(&PROTOCOL, &[GREETING, (C, b"a STARTTLS\r\n"), (S, b"a BAD no\r\n"), (C, b"b LOGIN x y\r\n")]);
    assert!(said.has("link Upgrade(Refused)") && said.has("login clear x:y unknown @imap.login"), "{said:?}");
}

#[test]
fn either_direction_alone_is_recognised() {
    let client = play(&[(C, b"a001 LOGIN qplath \"Saffron?\"\r\na002 SELECT INBOX\r\n")]);
    assert!(client.has("login clear qplath:Saffron? unknown @imap.login"), "{client:?}");
    let server = play(&[(S, b"* 1 FETCH (BODY[] {6}\r\nA: b\r\n)\r\n")]);
    assert!(server.has("field header imap.message.header A=b"), "{server:?}");
}

#[test]
fn a_literal_the_server_refuses_is_not_waited_for() {
    let said = play_every_cut(
        &PROTOCOL,
        &[GREETING, (C, b"a LOGIN {4}\r\n"), (S, b"a NO too long\r\n"), (C, b"b LOGIN x y\r\n"), (S, b"b OK in\r\n")],
    );
    assert_eq!(said.all("login"), ["login clear x:y accepted @imap.login"]);
}

#[test]
fn a_missing_reply_leaves_the_login() {
    assert!(
        play_with_gap(&[GREETING, (C, b"a LOGIN x y\r\n"), (S, b"a OK in\r\n")], 2)
            .has("login clear x:y unknown @imap.login")
    );
}
