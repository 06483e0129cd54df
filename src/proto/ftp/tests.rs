use super::PROTOCOL;
use crate::proto::replay::{C, S, play, play_every_cut, play_with_gap};

const GREETING: &[u8] = b"220 (vsFTPd 3.0.3)\r\n";
const LOGIN: [(crate::model::flow::Direction, &[u8]); 4] = [
    (C, b"USER ftpuser\r\n"),
    (S, b"331 Please specify the password.\r\n"),
    (C, b"PASS Ftp-R1ght-Pw\r\n"),
    (S, b"230 Login successful.\r\n"),
];

fn conversation(
    middle: &[(crate::model::flow::Direction, &'static [u8])],
) -> Vec<(crate::model::flow::Direction, &'static [u8])> {
    [&[(S, GREETING)], middle, &LOGIN].concat()
}

#[test]
fn a_login_and_an_unused_offer_of_tls_are_reported() {
    let features: &[u8] = b"211-Features:\r\n AUTH TLS\r\n EPSV\r\n211 End\r\n";
    let said = play_every_cut(&PROTOCOL, &conversation(&[(C, b"FEAT\r\n"), (S, features)]));
    let expected =
        ["link Auth(\"clear\")", "login clear ftpuser:Ftp-R1ght-Pw accepted @ftp.pass", "link Upgrade(OfferedUnused)"];
    assert_eq!(said.lines, expected);
}

#[test]
fn a_refused_switch_and_several_attempts_are_told_apart() {
    let said = play_every_cut(
        &PROTOCOL,
        &conversation(&[
            (C, b"AUTH TLS\r\n"),
            (S, b"530 Please login with USER and PASS.\r\n"),
            (C, b"USER ftpuser\r\nPASS  two spaces \r\n"),
            (S, b"331 go on\r\n530-no\r\n530 Login incorrect.\r\n"),
        ]),
    );
    let logins =
        ["login clear ftpuser: two spaces  rejected @ftp.pass", "login clear ftpuser:Ftp-R1ght-Pw accepted @ftp.pass"];
    assert_eq!(said.all("login"), logins);
    assert!(said.has("link Upgrade(Refused)"));
}

#[test]
fn the_control_connection_turns_into_tls_when_the_server_agrees() {
    let said = play(&[(S, GREETING), (C, b"AUTH TLS\r\n"), (S, b"234 Proceed with negotiation.\r\n")]);
    assert_eq!(said.lines, ["link Upgrade(Done)"]);
    let unseen = play(&[(S, GREETING), (C, b"AUTH TLS\r\n"), (C, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")]);
    assert!(unseen.has("link Upgrade(Done)"), "the answer was not captured: {unseen:?}");
}

#[test]
fn data_connections_are_announced() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, GREETING),
            (C, b"PASV\r\n"),
            (S, b"227 Entering Passive Mode (10,77,0,2,117,69).\r\n"),
            (C, b"RETR deploy.ini\r\n"),
            (S, b"150 Opening\r\n226 done\r\n"),
            (C, b"EPSV\r\n"),
            (S, b"229 Entering Extended Passive Mode (|||30021|)\r\n"),
        ],
    );
    let expected = [
        "link Expect { endpoint: Endpoint { ip: 10.77.0.2, port: 30021 }, protocol: \"ftp-data\" }",
        "link Expect { endpoint: Endpoint { ip: 0.0.0.0, port: 30021 }, protocol: \"ftp-data\" }",
        "text ftp.command Plain deploy.ini RETR deploy.ini",
    ];
    assert_eq!(said.lines, expected);
}

#[test]
fn either_direction_alone_is_recognised() {
    let client = play(&[(C, b"USER alice\r\nPASS admin123\r\nTYPE I\r\n")]);
    assert!(client.has("login clear alice:admin123 unknown @ftp.pass"), "{client:?}");
    assert_eq!(play(&[(S, b"220 hi\r\n331 Password\r\n230 in\r\n")]).protocols, ["ftp"]);
}

#[test]
fn a_missing_reply_leaves_the_outcome_of_others_alone() {
    let turns = conversation(&[]);
    assert!(play_with_gap(&turns, 2).has("login clear ftpuser:Ftp-R1ght-Pw accepted @ftp.pass"));
    assert!(play_with_gap(&turns, 4).has("login clear ftpuser:Ftp-R1ght-Pw unknown @ftp.pass"));
}

#[test]
fn lookalikes_are_refused() {
    let irc = play(&[(C, b"NICK x\r\nUSER a b c :real name\r\n"), (S, b":irc.example 001 x :Welcome\r\n")]);
    let pop = play(&[(C, b"USER x\r\nPASS y\r\nSTAT\r\nRETR 1\r\n")]);
    let news = play(&[(S, b"200 news.example NNTP ready\r\n"), (C, b"AUTHINFO USER x\r\n")]);
    for said in [irc, pop, news] {
        assert!(!said.protocols.contains(&"ftp"), "{said:?}");
    }
}
