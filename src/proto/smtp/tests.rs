use super::PROTOCOL;
use crate::proto::replay::{C, S, play, play_every_cut, play_with_gap};

const GREETING: &[u8] = b"220 mail.lab.example ESMTP Postfix\r\n";
const EHLO: &[u8] = b"EHLO client.lab.example\r\n";
const CAPABILITIES: &[u8] = b"250-mail.lab.example\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 CHUNKING\r\n";
const PLAIN: &[u8] = b"AUTH PLAIN AGVyaW4AU210cC1FcjFuLVB3\r\n";

#[test]
fn a_login_is_reported_with_its_outcome_and_the_unused_offer() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, GREETING),
            (C, EHLO),
            (S, CAPABILITIES),
            (C, b"AUTH LOGIN\r\n"),
            (S, b"334 VXNlcm5hbWU6\r\n"),
            (C, b"Z3VycGFydGFwQHBhdHJpb3RzLmlu\r\n"),
            (S, b"334 UGFzc3dvcmQ6\r\n"),
            (C, b"cHVuamFiQDEyMw==\r\n"),
            (S, b"535 5.7.8 no\r\n"),
            (C, PLAIN),
            (S, b"235 2.7.0 yes\r\n"),
        ],
    );
    let expected = [
        "link Auth(\"login\")",
        "login login gurpartap@patriots.in:punjab@123 rejected @smtp.auth",
        "link Upgrade(OfferedUnused)",
        "link Auth(\"plain\")",
        "login plain erin:Smtp-Er1n-Pw accepted @smtp.auth",
    ];
    assert_eq!(said.lines, expected);
}

#[test]
fn pipelined_commands_and_a_message_with_dots_are_followed() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, b"220-mx ESMTP\r\n220 hi\r\n"),
            (C, b"HELO x\r\n"),
            (S, b"250 mx\r\n"),
            (C, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
            (S, b"250 ok\r\n250 ok\r\n354 go\r\n"),
            (C, b"Subject: s\r\n\r\n..hidden\r\n.x\r\nend\r\n.\r\nQUIT\r\n"),
            (S, b"250 queued\r\n221 bye\r\n"),
        ],
    );
    assert_eq!(
        said.lines,
        ["field header smtp.message.header Subject=s", "text smtp.message Plain  .hidden\r\nx\r\nend\r\n"]
    );
}

#[test]
fn a_refused_message_is_followed_by_commands() {
    let said = play_every_cut(
        &PROTOCOL,
        &[(S, GREETING), (C, b"HELO x\r\n"), (S, b"250 x\r\n"), (C, b"DATA\r\n"), (S, b"503 5.5.1 no\r\n"), (C, PLAIN)],
    );
    assert!(said.has("login plain erin:Smtp-Er1n-Pw unknown @smtp.auth"), "{said:?}");
}

#[test]
fn chunks_make_one_message() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, GREETING),
            (C, EHLO),
            (S, b"250-x\r\n250 CHUNKING\r\n"),
            (C, b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 14\r\nSubject: s\r\n\r\nBDAT 9 LAST\r\nMAIL hi\r\nQUIT\r\n"),
        ],
    );
    let expected = [
        "link Upgrade(NotOffered)",
        "field header smtp.message.header Subject=s",
        "text smtp.message Plain  MAIL hi\r\n",
    ];
    assert_eq!(said.lines, expected);
}

#[test]
fn a_refused_starttls_is_reported_and_a_cancelled_exchange_is_not_a_login() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, GREETING),
            (C, EHLO),
            (S, b"250-x\r\n250 AUTH LOGIN\r\n"),
            (C, b"STARTTLS\r\n"),
            (S, b"502 5.5.1 no\r\n"),
            (C, b"AUTH LOGIN\r\n"),
            (S, b"334 VXNlcm5hbWU6\r\n"),
            (C, b"*\r\n"),
            (S, b"501 5.7.0 aborted\r\n"),
        ],
    );
    assert_eq!(said.lines, ["link Auth(\"login\")", "link Upgrade(Refused)"]);
}

#[test]
fn either_direction_alone_is_recognised() {
    let client = play(&[(C, b"EHLO client\r\nAUTH PLAIN AGVyaW4AU210cC1FcjFuLVB3\r\nMAIL FROM:<app@corp.local>\r\n")]);
    assert_eq!(client.protocols, ["smtp"]);
    assert!(client.has("login plain erin:Smtp-Er1n-Pw unknown @smtp.auth"));
    let server = play(&[(S, b"220 mx ready\r\n250-mx\r\n250-STARTTLS\r\n250 DSN\r\n")]);
    assert_eq!((server.protocols, server.lines), (vec!["smtp"], vec!["link Upgrade(OfferedUnused)".to_owned()]));
}

#[test]
fn a_missing_reply_does_not_hide_the_next_login() {
    let turns: &[(_, &[u8])] = &[(S, GREETING), (C, EHLO), (S, CAPABILITIES), (C, PLAIN), (S, b"235 ok\r\n")];
    assert!(play_with_gap(turns, 2).has("login plain erin:Smtp-Er1n-Pw accepted @smtp.auth"));
    assert!(play_with_gap(turns, 4).has("login plain erin:Smtp-Er1n-Pw unknown @smtp.auth"));
}

#[test]
fn ftp_is_not_taken_for_it() {
    assert!(!play(&[(S, b"220 ready\r\n"), (C, b"USER x\r\n"), (S, b"331 password\r\n")]).protocols.contains(&"smtp"));
    assert!(!play(&[(S, b"220 FTP server\r\n"), (C, b"FEAT\r\n")]).protocols.contains(&"smtp"));
}
