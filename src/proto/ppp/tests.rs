use super::*;
use crate::proto::replay::{C, S, Said, play_datagrams};

/// A packet as it follows the PPP framing.
fn packet(protocol: u16, code: u8, identifier: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 4).to_be_bytes();
    [&protocol.to_be_bytes()[..], &[code, identifier], &length, body].concat()
}

fn sized(bytes: &[u8], then: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8][..], bytes, then].concat()
}

fn play(turns: &[(Direction, Vec<u8>)]) -> Said {
    let turns: Vec<_> = turns.iter().map(|(direction, bytes)| (*direction, bytes.as_slice())).collect();
    play_datagrams(Transport::Ppp, &turns)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|n| u8::from_str_radix(&hex[n..n + 2], 16).unwrap()).collect()
}

#[test]
fn pap_logins_have_their_outcomes_and_count_once() {
    let request = |identifier, password: &[u8]| {
        (C, packet(PAP_NUMBER, 1, identifier, &[sized(b"eva@isp", &[]), sized(password, &[])].concat()))
    };
    let said = play(&[
        request(1, b"wrong"),
        request(1, b"wrong"),
        (S, packet(PAP_NUMBER, 3, 1, &[0])),
        request(2, b"right"),
        (S, packet(PAP_NUMBER, 2, 2, &[0])),
        request(3, b"unanswered"),
    ]);
    assert_eq!(said.protocols, ["pap"]);
    let logins = [
        "login pap eva@isp:wrong rejected @pap.password",
        "login pap eva@isp:right accepted @pap.password",
        "login pap eva@isp:unanswered unknown @pap.password",
    ];
    assert_eq!(said.all("login"), logins);
}

/// The example of RFC 2759, section 9.2.
#[test]
fn mschap_responses_become_what_crackers_read() {
    let challenge = bytes("5B5D7C7D7B3F2F3E3C2C602132262628");
    let value =
        bytes("21402324255E262A28295F2B3A337C7E000000000000000082309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF00");
    let said = play(&[
        (S, packet(CHAP_NUMBER, 1, 5, &sized(&challenge, b"nas"))),
        (C, packet(CHAP_NUMBER, 2, 5, &sized(&value, b"BIGCO\\User"))),
        (S, packet(CHAP_NUMBER, 3, 5, b"S=407A5589115FD0D6209F510FE9C04566932CDA56")),
    ]);
    assert_eq!(said.protocols, ["chap"]);
    let line = "User::BIGCO::82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df:d02e4386bce91226";
    assert_eq!(said.all("login"), [format!("login mschapv2 BIGCO\\User:{line} accepted @chap.response")]);
}

#[test]
fn a_digest_comes_with_its_challenge_or_is_only_a_fact() {
    let response = (C, packet(CHAP_NUMBER, 2, 9, &sized(&[0xab; 16], b"eva")));
    let said = play(&[
        (S, packet(CHAP_NUMBER, 1, 9, &sized(&[0x11; 16], b"nas"))),
        response.clone(),
        (S, packet(CHAP_NUMBER, 4, 9, b"no")),
    ]);
    let line = format!("{}:{}:09", "ab".repeat(16), "11".repeat(16));
    assert_eq!(said.all("login"), [format!("login chap eva:{line} rejected @chap.response")]);
    let alone = play(&[response]);
    assert_eq!(alone.lines, ["link Auth(\"chap\")"]);
}

#[test]
fn what_makes_no_sense_is_counted() {
    let said = play(&[(C, packet(PAP_NUMBER, 1, 1, &[200, b'x']))]);
    assert_eq!(said.lines, ["link Violation", "skipped malformed message 8"]);
}
