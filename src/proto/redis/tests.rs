use super::*;
use crate::proto::replay::{C, S, Turn, play, play_every_cut, play_with_gap};

fn command(arguments: &[&str]) -> Vec<u8> {
    let head = format!("*{}\r\n", arguments.len());
    arguments.iter().fold(head, |all, a| all + &format!("${}\r\n{a}\r\n", a.len())).into_bytes()
}

#[test]
fn a_password_is_reported_with_the_servers_verdict() {
    let (wrong, right) = (command(&["AUTH", "guess"]), command(&["auth", "app", "hunter2"]));
    let refusal = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    let said = play_every_cut(&PROTOCOL, &[(C, &wrong), (S, refusal), (C, &right), (S, b"+OK\r\n")]);
    assert!(said.has("login clear :guess rejected @redis.auth"), "{said:?}");
    assert!(said.has("login clear app:hunter2 accepted @redis.auth"), "{said:?}");
}

#[test]
fn a_pipeline_is_matched_with_its_replies_by_their_order() {
    let asked = [
        command(&["HELLO", "3", "AUTH", "app", "hunter2"]),
        command(&["HGET", "user:7", "ssn"]),
        command(&["HGETALL", "user:8"]),
        command(&["MGET", "a", "b"]),
        command(&["PING"]),
        command(&["GET", "card"]),
    ]
    .concat();
    let replies = b"%1\r\n$5\r\nproto\r\n:3\r\n$11\r\n457-20-6619\r\n%1\r\n$4\r\nmail\r\n$7\r\na@b.org\r\n\
        *2\r\n$-1\r\n$5\r\nworld\r\n+PONG\r\n$16\r\n4539201837465026\r\n";
    let said = play_every_cut(&PROTOCOL, &[(C, &asked), (S, replies)]);
    assert!(said.has("login clear app:hunter2 accepted @redis.hello"), "{said:?}");
    assert_eq!(
        said.all("field"),
        [
            "field attribute redis.reply ssn=457-20-6619",
            "field attribute redis.reply mail=a@b.org",
            "field key redis.reply b=world",
            "field key redis.reply card=4539201837465026",
        ]
    );
}

#[test]
fn a_reply_whose_question_is_not_here_may_be_pairs() {
    let replies = [command(&["login", "ida", "password", "hunter2"]), command(&["first value", "second"])].concat();
    let said = play_every_cut(&PROTOCOL, &[(S, &replies)]);
    assert!(said.has("field attribute redis.reply password=hunter2"), "{said:?}");
    assert!(said.has("field key redis.reply =password"), "{said:?}");
    assert!(said.has("field attribute redis.reply =second"), "{said:?}");
}

#[test]
fn values_are_named_by_their_keys_and_fields() {
    let sent = [
        command(&["SET", "jwt:1", "eyJhbGciOiJIUzI1NiJ9"]),
        command(&["HSET", "user:7", "login", "ida", "card", "4539201837465026"]),
        command(&["SETEX", "code:7", "600", "823411"]),
        command(&["XADD", "log", "MAXLEN", "~", "1000", "*", "note", "hello"]),
        command(&["SET", "session:1", r#"{"token":"abc"}"#]),
    ]
    .concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &sent), (S, b"+OK\r\n:2\r\n+OK\r\n$3\r\n1-1\r\n+OK\r\n")]);
    assert_eq!(
        said.all("field key redis.command"),
        ["field key redis.command jwt:1=eyJhbGciOiJIUzI1NiJ9", "field key redis.command code:7=823411",]
    );
    assert_eq!(
        said.all("field attribute"),
        [
            "field attribute redis.command login=ida",
            "field attribute redis.command card=4539201837465026 of ida",
            "field attribute redis.command note=hello",
        ]
    );
    assert!(said.has(r#"text redis.command Json session:1 {"token":"abc"}"#));
}

#[test]
fn secrets_that_commands_set_are_named() {
    let sent = [
        command(&["ACL", "SETUSER", "worker", "on", ">s3cret", "~*"]),
        command(&["CONFIG", "SET", "maxmemory", "1gb", "requirepass", "hunter2"]),
    ]
    .concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &sent), (S, b"+OK\r\n+OK\r\n")]);
    assert!(said.has("field attribute redis.acl password=s3cret of worker"), "{said:?}");
    assert!(said.has("field attribute redis.config requirepass=hunter2"), "{said:?}");
}

#[test]
fn messages_of_channels_answer_no_command() {
    let turns: [Turn<'_>; 2] = [
        (C, &command(&["SUBSCRIBE", "news"])),
        (S, b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"),
    ];
    assert!(play_every_cut(&PROTOCOL, &turns).has("field key redis.message news=hello"));
}

#[test]
fn one_direction_alone_is_enough() {
    let said = play(&[(C, &command(&["AUTH", "hunter2"])), (C, &command(&["GET", "x"]))]);
    assert!(said.has("login clear :hunter2 unknown @redis.auth"), "{said:?}");
    let said = play(&[(S, b"*2\r\n$16\r\n4539201837465026\r\n$3\r\nabc\r\n")]);
    assert!(said.has("field key redis.reply =4539201837465026"), "{said:?}");
}

#[test]
fn a_value_of_megabytes_goes_by_in_pieces() {
    let sent = [command(&["SET", "doc", &"x".repeat(3 << 20)]), command(&["SET", "mail", "a@b.org"])].concat();
    let turns: Vec<Turn<'_>> = sent.chunks(1448).map(|chunk| (C, chunk)).collect();
    let said = play(&turns);
    assert!(said.has("field key redis.command mail=a@b.org"));
    let start = "text redis.command Plain doc ";
    assert_eq!(said.all(start).iter().map(|t| t.len() - start.len()).sum::<usize>(), 3 << 20);
}

#[test]
fn after_a_hole_commands_are_found_again() {
    let (first, lost) = (command(&["PING"]), command(&["SET", "a", "lost-value"]));
    let torn = [&lost[20..], &command(&["SET", "b", "found-value"])].concat();
    let said = play_with_gap(&[(C, &first), (S, b"+PONG\r\n"), (C, &lost[..20]), (C, &torn)], 2);
    assert!(said.has("field key redis.command b=found-value"), "{said:?}");
}

#[test]
fn other_protocols_with_lines_are_refused() {
    let conversations: [&[Turn<'_>]; 6] = [
        &[(C, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
        &[(C, b"set key 0 0 5\r\nhello\r\n"), (S, b"STORED\r\n")],
        &[(S, b"+OK Dovecot ready.\r\n"), (C, b"AUTH PLAIN\r\n"), (S, b"+ \r\n")],
        &[(S, b"* OK IMAP4 ready\r\n")],
        &[(C, b"PING :server\r\n"), (S, b":server PONG a\r\n")],
        &[(S, b"220 mail.example ESMTP\r\n"), (C, b"AUTH LOGIN\r\n")],
    ];
    for turns in conversations {
        assert!(!play(turns).protocols.contains(&"redis"), "{turns:?}");
    }
}

#[test]
fn a_key_may_end_in_what_opens_a_session() {
    let sent = [command(&["GET", "app:sess:9hq4ZVtPq3s8KfWc71Lx"]), command(&["SET", "user:17", "x"])].concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &sent), (S, b"$-1\r\n+OK\r\n")]);
    assert!(said.has("field key redis.command sess=9hq4ZVtPq3s8KfWc71Lx"), "{said:?}");
    assert!(!said.has("field key redis.command user=17"), "{said:?}");
}
