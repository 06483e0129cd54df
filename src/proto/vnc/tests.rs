use super::PROTOCOL;
use crate::proto::replay::{C, S, Said, Turn, play, play_every_cut, play_with_gap};

const CHALLENGE: [u8; 16] = [0xc1; 16];
const RESPONSE: [u8; 16] = [0x5e; 16];
const LINE: &str = "$vnc$*C1C1C1C1C1C1C1C1C1C1C1C1C1C1C1C1*5E5E5E5E5E5E5E5E5E5E5E5E5E5E5E5E";

fn versions(minor: u8) -> [Vec<u8>; 2] {
    let line = |minor: u8| format!("RFB 003.{minor:03}\n").into_bytes();
    [line(8), line(minor)]
}

/// Version, then these turns.
fn said(minor: u8, turns: &[Turn<'_>]) -> Said {
    let [server, client] = versions(minor);
    let all: Vec<Turn<'_>> = [(S, &server[..]), (C, &client[..])].into_iter().chain(turns.iter().copied()).collect();
    play_every_cut(&PROTOCOL, &all)
}

fn login(outcome: &str) -> String {
    format!("login vnc :{LINE} {outcome} @vnc.login")
}

#[test]
fn challenge_and_response_are_what_guesses_are_tried_against() {
    let result: [(&[u8], _); 3] = [(&[0; 4], "accepted"), (&[0, 0, 0, 1], "rejected"), (&[], "unknown")];
    for (result, outcome) in result {
        let old = said(3, &[(S, &[0, 0, 0, 2]), (S, &CHALLENGE), (C, &RESPONSE), (S, result)]);
        assert_eq!(old.all("login"), [login(outcome)]);
        for minor in [7, 8] {
            let new = said(minor, &[(S, &[2, 1, 2]), (C, &[2]), (S, &CHALLENGE), (C, &RESPONSE), (S, result)]);
            assert_eq!(new.all("login"), [login(outcome)]);
            assert!(new.all("link Upgrade").is_empty(), "{new:?}");
        }
    }
}

#[test]
fn no_password_is_a_weakness() {
    for (minor, turns) in [
        (3, vec![(S, &[0, 0, 0, 1][..])]),
        (7, vec![(S, &[1, 1]), (C, &[1])]),
        (8, vec![(S, &[1, 1]), (C, &[1]), (S, &[0; 4])]),
    ] {
        let said = said(minor, &[&turns[..], &[(C, &[1]), (C, &[6, 0, 0, 0, 0, 0, 0, 5]), (C, b"hello")]].concat());
        assert_eq!(said.all("weak"), ["weak link.guest none"]);
        assert_eq!(said.all("text"), ["text vnc.clipboard Plain  hello"]);
    }
}

#[test]
fn tls_inside_of_vencrypt_takes_over() {
    let begin: [Turn<'_>; 7] = [
        (S, &[2, 2, 19]),
        (C, &[19]),
        (S, &[0, 2]),
        (C, &[0, 2]),
        (S, &[0]),
        (S, &[2, 0, 0, 1, 0, 0, 0, 1, 2]),
        (C, &[0, 0, 1, 2]),
    ];
    let hello: &[u8] = &[22, 3, 1, 0, 5, 1, 0, 0, 1, 3];
    let tls = said(8, &[&begin[..], &[(S, &[1]), (C, hello)]].concat());
    assert_eq!(tls.protocols, ["vnc", "tls"]);
    assert_eq!(tls.all("link Upgrade"), ["link Upgrade(Done)"]);
    assert_eq!(said(8, &[(S, &[1, 18]), (C, &[18]), (C, hello)]).protocols, ["vnc", "tls"]);
    assert_eq!(said(8, &[&begin[..], &[(S, &[0])]].concat()).protocols, ["vnc"]);
}

#[test]
fn names_and_passwords_in_the_clear_are_read() {
    let login: &[u8] = b"\0\0\0\x03\0\0\0\x08evahunter22";
    let plain = said(
        8,
        &[
            (S, &[2, 19, 2]),
            (C, &[19]),
            (S, &[0, 2]),
            (C, &[0, 2]),
            (S, &[0, 2, 0, 0, 1, 0, 0, 0, 1, 3]),
            (C, &[0, 0, 1, 0]),
            (C, login),
            (S, &[0; 4]),
        ],
    );
    assert_eq!(plain.all("login"), ["login plain eva:hunter22 accepted @vnc.login"]);
    assert_eq!(plain.all("link Upgrade"), ["link Upgrade(OfferedUnused)"]);
    let capability = [&[0, 0, 0, 129][..], b"TGHTULGNAUTH"].concat();
    let types = [&[0, 0, 0, 1][..], &capability].concat();
    let tight = said(
        7,
        &[(S, &[1, 16]), (C, &[16]), (S, &[0; 4]), (S, &types), (C, &[0, 0, 0, 129]), (C, login), (S, &[0, 0, 0, 1])],
    );
    assert_eq!(tight.all("login"), ["login clear eva:hunter22 rejected @vnc.login"]);
    let tunnels: &[Turn<'_>] =
        &[(S, &types), (C, &[0; 4]), (S, &types), (C, &[0, 0, 0, 2]), (S, &CHALLENGE), (C, &RESPONSE)];
    let tight = said(8, &[&[(S, &[1, 16][..]), (C, &[16])], tunnels].concat());
    assert_eq!(tight.all("login"), [self::login("unknown")]);
    assert_eq!(said(8, &[(S, &[1, 16]), (C, &[16]), (S, &[0; 8])]).all("weak").len(), 1);
}

#[test]
fn what_is_encrypted_in_other_ways_is_named() {
    let key = [&[0, 5, 0, 8][..], &[7; 16]].concat();
    let apple = said(8, &[(S, &[1, 30]), (C, &[30]), (S, &key), (C, &[9; 136]), (S, &[0; 4]), (C, &[1])]);
    assert_eq!(apple.lines, ["link Auth(\"ard\")"]);
    let windows = said(8, &[(S, &[1, 113]), (C, &[113]), (S, &[7; 24]), (C, &[9; 328]), (S, &[0, 0, 0, 1])]);
    assert_eq!(windows.lines, ["link Auth(\"mslogon2\")"]);
    assert_eq!(said(8, &[(S, &[2, 5, 6]), (C, &[5]), (S, &[9; 300])]).lines, ["link Auth(\"ra2\")"]);
}

/// Keys going down and up.
fn keys(keys: &[u32]) -> Vec<u8> {
    let event = |down: u8, key: &u32| [&[4, down, 0, 0][..], &key.to_be_bytes()].concat();
    keys.iter().flat_map(|key| [event(1, key), event(0, key)].concat()).collect()
}

#[test]
fn what_is_typed_is_put_together() {
    let text = keys(&"cat kez".chars().map(u32::from).collect::<Vec<_>>());
    let rest = keys(&[0xff08, u32::from('y'), 0x0100_20ac, 0xe4, 0xff08, 0xff0d, u32::from('q')]);
    let command =
        [&[4, 1, 0, 0, 0, 0, 0xff, 0xe3].repeat(2)[..], &keys(&[u32::from('c')]), &[4, 0, 0, 0, 0, 0, 0xff, 0xe3]]
            .concat();
    let qemu = [255, 0, 0, 1, 0, 0, 0, b'!', 0, 0, 0, 2];
    let others: &[u8] = &[
        0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 7, 3, 1, 0, 0, 0, 0,
        0, 9, 0, 9, 5, 1, 0, 1, 0, 1, 150, 1, 0, 0, 0, 0, 0, 9, 0, 9, 248, 0, 0, 0, 0, 0, 0, 1, 2, 99, 99, 251, 0, 0,
        9, 0, 9, 0, 0, 6, 0, 0, 0, 255, 255, 255, 252, 1, 2, 3, 4, 255, 1, 0, 1, 255, 1, 0, 2, 1, 2, 3, 4, 5, 6, 250,
        0, 1, 2,
    ];
    let typed = [others, &text, others, &command, &rest, &qemu].concat();
    let turns: [Turn<'_>; 6] = [(S, &[1, 1]), (C, &[1]), (S, &[0; 4]), (C, &[1]), (S, &[0; 30]), (C, &typed)];
    let whole = said(8, &turns);
    assert_eq!(whole.all("text"), ["text vnc.typed Plain  cat key€\nq!"]);
    assert_eq!(whole.all("skipped"), ["skipped binary content 30"]);
    // Nothing is known of what is behind a message that nobody knows, or behind a hole.
    let unknown = said(8, &[&turns[..], &[(C, &[77, 1, 2, 3])]].concat());
    assert_eq!(unknown.all("skipped"), ["skipped binary content 30", "skipped malformed message 4"]);
    let [server, client] = versions(8);
    let all =
        [&[(S, &server[..]), (C, &client[..])], &turns[..4], &[(C, &text[..]), (C, b"\x04"), (C, &text)]].concat();
    assert_eq!(play_with_gap(&all, 7).all("text"), ["text vnc.typed Plain  cat kez"]);
}

#[test]
fn what_is_not_a_negotiation_is_counted() {
    assert_eq!(
        said(8, &[(S, &[1, 2]), (C, &[2]), (S, &CHALLENGE), (C, &RESPONSE), (S, &[9; 4])]).all("skipped"),
        ["skipped malformed message 4"]
    );
    let many = [&[0x00, 0xff, 0xff, 0xff][..], &[0; 100]].concat();
    assert_eq!(said(8, &[(S, &[1, 16]), (C, &[16]), (S, &many)]).all("skipped"), ["skipped malformed message 104"]);
    assert!(said(8, &[(S, &[0, 0, 0, 0, 3, b'b', b'a', b'd'])]).lines.is_empty());
    // One side alone tells nothing, and is not kept.
    let [server, client] = versions(8);
    assert_eq!(
        play(&[(C, &client), (C, &[0; 9000]), (C, &[0; 100])]).all("skipped"),
        ["skipped resynchronising after a gap 9112"]
    );
    assert_eq!(play(&[(S, &server), (S, &[1, 2])]).protocols, ["vnc"]);
}

#[test]
fn a_version_is_digits() {
    for bytes in [&b"RFB 003.0x8\n"[..], b"RFB 003.008\r", b"RFB_003.008\n", b"RFC 3.8 is\n\n"] {
        assert_ne!(play(&[(S, bytes)]).protocols, ["vnc"], "{bytes:?}");
    }
    let other = play(&[(S, b"RFB 003.008\n"), (C, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")]);
    assert_ne!(other.protocols.last(), Some(&"vnc"));
}
