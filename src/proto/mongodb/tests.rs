use super::PROTOCOL;
use crate::proto::replay::{C, S, play, play_every_cut, play_with_gap};

enum V<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    One(i32),
    Double(f64),
    Yes,
    Object(Vec<(&'a str, V<'a>)>),
    Array(Vec<V<'a>>),
}

fn document(members: &[(&str, V<'_>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in members {
        let (kind, bytes): (u8, Vec<u8>) = match value {
            V::Text(text) => (2, [&(text.len() as u32 + 1).to_le_bytes(), text.as_bytes(), b"\0"].concat()),
            V::Binary(bytes) => (5, [&(bytes.len() as u32).to_le_bytes(), b"\0".as_slice(), bytes].concat()),
            V::One(number) => (0x10, number.to_le_bytes().to_vec()),
            V::Double(number) => (1, number.to_le_bytes().to_vec()),
            V::Yes => (8, vec![1]),
            V::Object(members) => (3, document(members)),
            V::Array(_) => (4, document(&[])),
        };
        let bytes = match value {
            V::Array(items) => {
                let mut inner = Vec::new();
                for (n, item) in items.iter().enumerate() {
                    let V::Object(members) = item else { continue };
                    inner.extend_from_slice(format!("\u{3}{n}\0").as_bytes());
                    inner.extend(document(members));
                }
                [&(inner.len() as u32 + 5).to_le_bytes(), inner.as_slice(), b"\0"].concat()
            }
            _ => bytes,
        };
        body.push(kind);
        body.extend_from_slice(name.as_bytes());
        body.push(0);
        body.extend(bytes);
    }
    [&(body.len() as u32 + 5).to_le_bytes(), body.as_slice(), b"\0"].concat()
}

fn message(id: u32, answers: u32, members: &[(&str, V<'_>)]) -> Vec<u8> {
    wrap(id, answers, 2013, &[b"\0\0\0\0\0".as_slice(), &document(members)].concat())
}

fn wrap(id: u32, answers: u32, operation: u32, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 16;
    let head = [length, id, answers, operation].map(u32::to_le_bytes).concat();
    [head.as_slice(), body].concat()
}

fn insert() -> Vec<u8> {
    let person = vec![("name", V::Text("Eva")), ("email", V::Text("eva@b.example")), ("pwd", V::Text("hunter2"))];
    let members =
        [("insert", V::Text("users")), ("documents", V::Array(vec![V::Object(person)])), ("$db", V::Text("shop"))];
    message(9, 0, &members)
}

#[test]
fn a_login_in_the_clear_has_its_outcome() {
    for (ok, verdict) in [(1.0, "accepted"), (0.0, "rejected")] {
        let start = message(
            1,
            0,
            &[
                ("saslStart", V::One(1)),
                ("mechanism", V::Text("PLAIN")),
                ("payload", V::Binary(b"\0bob\0hunter2")),
                ("$db", V::Text("$external")),
            ],
        );
        let answer = message(2, 1, &[("conversationId", V::One(1)), ("done", V::Yes), ("ok", V::Double(ok))]);
        let said = play_every_cut(&PROTOCOL, &[(C, &start), (S, &answer)]);
        assert_eq!(said.all("login"), [format!("login plain bob:hunter2 {verdict} @mongodb.sasl")]);
    }
}

#[test]
fn a_scram_exchange_that_hello_begins_gives_a_line_to_crack() {
    let (first, bare) = (b"n,,n=bob,r=abc", "n=bob,r=abc");
    let challenge = "r=abcdef,s=c2FsdHNhbHQ=,i=15000";
    let hello = message(
        1,
        0,
        &[
            ("hello", V::One(1)),
            (
                "speculativeAuthenticate",
                V::Object(vec![
                    ("saslStart", V::One(1)),
                    ("mechanism", V::Text("SCRAM-SHA-256")),
                    ("payload", V::Binary(first)),
                    ("db", V::Text("admin")),
                ]),
            ),
            ("$db", V::Text("admin")),
        ],
    );
    let greeting = message(
        2,
        1,
        &[
            ("isWritablePrimary", V::Yes),
            ("speculativeAuthenticate", V::Object(vec![("payload", V::Binary(challenge.as_bytes()))])),
            ("ok", V::Double(1.0)),
        ],
    );
    let proof = message(3, 0, &[("saslContinue", V::One(1)), ("payload", V::Binary(b"c=biws,r=abcdef,p=cHJvb2Y="))]);
    let done = message(4, 3, &[("payload", V::Binary(b"v=c2ln")), ("done", V::Yes), ("ok", V::Double(1.0))]);
    let said = play_every_cut(&PROTOCOL, &[(C, &hello), (S, &greeting), (C, &proof), (S, &done)]);
    let logins = said.all("login");
    assert_eq!(logins.len(), 1, "{:?}", said.lines);
    assert!(logins[0].starts_with("login scram-sha-256 bob:$scram-sha-256$"), "{logins:?}");
    assert!(logins[0].ends_with(" accepted @mongodb.sasl"), "{logins:?}, {bare}");
}

#[test]
fn documents_are_fields_named_by_their_paths() {
    let said = play_every_cut(&PROTOCOL, &[(C, &insert())]);
    assert!(said.has("field attribute mongodb.request documents[].pwd=hunter2 of eva@b.example"), "{:?}", said.lines);
    let found = vec![("ssn", V::Text("536-90-4399"))];
    let cursor = vec![("firstBatch", V::Array(vec![V::Object(found)])), ("ns", V::Text("shop.users"))];
    let reply = message(1, 9, &[("cursor", V::Object(cursor)), ("ok", V::Double(1.0))]);
    let said = play_every_cut(&PROTOCOL, &[(S, &reply)]);
    assert!(said.has("field attribute mongodb.reply cursor.firstBatch[].ssn=536-90-4399"), "{:?}", said.lines);
}

#[test]
fn sections_of_documents_and_old_operations_are_read() {
    let one = document(&[("token", V::Text("t0ken"))]);
    let section = [&(one.len() as u32 + 4 + 10).to_le_bytes(), b"documents\0".as_slice(), &one].concat();
    let body = [b"\0\0\0\0\x01".as_slice(), &section, b"\0", &document(&[("insert", V::Text("t"))])].concat();
    let said = play_every_cut(&PROTOCOL, &[(C, &wrap(1, 0, 2013, &body))]);
    assert!(said.has("field attribute mongodb.request documents[].token=t0ken"), "{:?}", said.lines);
    let old = [
        b"\0\0\0\0admin.$cmd\0\0\0\0\0\x01\0\0\0".as_slice(),
        &document(&[("createUser", V::Text("eva")), ("pwd", V::Text("x1y2"))]),
    ];
    let said = play_every_cut(&PROTOCOL, &[(C, &wrap(1, 0, 2004, &old.concat()))]);
    assert!(said.has("field attribute mongodb.request pwd=x1y2 of eva"), "{:?}", said.lines);
}

#[test]
fn compressed_messages_are_unpacked() {
    use std::io::Write;
    let inner = insert();
    let plain = &inner[16..];
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(plain).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest);
    let packings = [
        (0, plain.to_vec()),
        (1, snap::raw::Encoder::new().compress_vec(plain).unwrap()),
        (2, zlib.finish().unwrap()),
        (3, zstd),
    ];
    for (by, packed) in packings {
        let size = (inner.len() as u32 - 16).to_le_bytes();
        let body = [&2013_u32.to_le_bytes(), size.as_slice(), &[by], &packed].concat();
        let said = play_every_cut(&PROTOCOL, &[(C, &wrap(1, 0, 2012, &body))]);
        let line = "field attribute mongodb.request documents[].pwd=hunter2 of eva@b.example";
        assert!(said.has(line), "{by} {:?}", said.lines);
    }
}

#[test]
fn after_a_gap_the_next_message_is_found() {
    let (insert, half) = (insert(), message(1, 0, &[("ping", V::One(1))]));
    let said = play_with_gap(&[(C, &insert), (C, &half[..9]), (C, &half[5..]), (C, &insert)], 1);
    assert_eq!(said.all("field attribute mongodb.request documents[].pwd").len(), 2, "{:?}", said.lines);
}

#[test]
fn others_are_not_taken_for_it() {
    for text in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"\x10\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0", &[0x20; 64]] {
        assert!(!play(&[(C, text)]).protocols.contains(&PROTOCOL.name));
    }
}
