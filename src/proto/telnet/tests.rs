use super::PROTOCOL;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

const OPTIONS: [Turn<'static>; 2] = [(S, b"\xff\xfd\x18\xff\xfd\x20"), (C, b"\xff\xfb\x18\xff\xfb\x20")];

/// A line typed a character at a time, with the server's echo of each or without.
fn typed(text: &'static [u8], echo: bool) -> Vec<Turn<'static>> {
    let mut turns = Vec::new();
    for n in 0..text.len() {
        let key = &text[n..=n];
        turns.push((C, key));
        if echo {
            turns.push((S, if key == b"\x7f" { b"\x08 \x08" } else { key }));
        }
    }
    turns.push((C, b"\r\0"));
    turns.push((S, b"\r\n"));
    turns
}

#[test]
fn a_login_typed_by_the_character_is_put_together() {
    let mut turns = OPTIONS.to_vec();
    turns.push((S, b"\xff\xfb\x01Ubuntu\r\nlaptop login: "));
    turns.extend(typed(b"tinx\x7fa", true));
    turns.push((S, b"Password: "));
    turns.extend(typed(b"wronh\x7fg", false));
    turns.push((S, b"\r\nLogin incorrect\r\nlaptop login: "));
    turns.extend(typed(b"tina", true));
    turns.push((S, b"Password: "));
    turns.extend(typed(b"right", false));
    turns.push((S, b"Last login: Mon Apr 22 on pts/1\r\ntina@laptop:~$ "));
    turns.extend(typed(b"exit", true));
    let said = play_every_cut(&PROTOCOL, &turns);
    let logins =
        ["login clear tina:wrong rejected @telnet.password", "login clear tina:right accepted @telnet.password"];
    assert_eq!(said.all("login"), logins);
    let session = said.all("text telnet.session").concat();
    assert!(session.contains("exit") && !session.contains("right"), "{session}");
}

#[test]
fn whole_lines_without_options_are_followed() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, b"\r\nUser Access Verification\r\n\r\nUsername: "),
            (C, b"netop\r\n"),
            (S, b"Password: "),
            (C, b"wrong\r\n"),
            (S, b"\r\n% Authentication failed\r\n\r\nUsername: "),
            (C, b"netop\r\n"),
            (S, b"Password: "),
            (C, b"right\r\n"),
            (S, b"\r\nsw01>"),
            (C, b"enable\r\n"),
            (S, b"Password: "),
            (C, b"second\r\n"),
            (S, b"\r\nsw01#"),
        ],
    );
    let logins = [
        "login clear netop:wrong rejected @telnet.password",
        "login clear netop:right accepted @telnet.password",
        "login clear netop:second accepted @telnet.password",
    ];
    assert_eq!(said.all("login"), logins);
    assert!(said.has("text telnet.session Plain  enable\n"), "{said:?}");
}

#[test]
fn the_user_may_come_from_the_environment() {
    let said = play_every_cut(
        &PROTOCOL,
        &[
            (S, b"\xff\xfd\x27"),
            (C, b"\xff\xfb\x27\xff\xfa\x27\x00\x00USER\x01tina\xff\xf0"),
            (S, b"Password for you: "),
            (C, b"pw\r\n"),
        ],
    );
    assert_eq!(said.all("login"), ["login clear tina:pw unknown @telnet.password"]);
}

#[test]
fn what_its_own_option_encrypts_is_counted() {
    let said = play_every_cut(&PROTOCOL, &[OPTIONS[0], OPTIONS[1], (C, b"\xff\xfa\x26\x03\x00\xff\xf0\x9a\x12\x77")]);
    assert_eq!(said.lines, ["skipped encrypted after handshake 3"]);
}

#[test]
fn tls_inside_is_handed_over() {
    let said =
        play(&[(S, b"\xff\xfd\x2e"), (C, b"\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0"), (C, b"\x16\x03\x01\x00\x05")]);
    assert!(said.has("link Upgrade(Done)"), "{said:?}");
}

#[test]
fn a_gap_in_the_middle_of_a_line_gives_no_wrong_password() {
    let turns: [Turn<'_>; 5] = [OPTIONS[0], (S, b"login: "), (C, b"a\r\nPa"), (S, b"Password: "), (C, b"ss\r\n")];
    assert!(play_with_gap(&turns, 2).all("login").iter().all(|l| l.contains(":ss ")));
}

#[test]
fn text_with_a_question_in_it_is_not_a_prompt() {
    let said = play(&[(S, b"dn: uid=a\nuserPassword:\ndescription: x\n")]);
    assert_eq!(said.protocols, ["unknown"]);
}

#[test]
fn other_greetings_are_refused() {
    for greeting in [&b"220 login:\r\n"[..], b"SSH-2.0-x login:\r\n", b"+OK user:\r\n"] {
        assert!(!play(&[(S, greeting), (C, b"x\r\n")]).protocols.contains(&"telnet"));
    }
}
