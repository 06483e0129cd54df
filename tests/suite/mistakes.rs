//! What other programs are known to get wrong about numbers and secrets on the wire.

use std::sync::Arc;

use plainsight::model::event::Event;
use plainsight::model::finding::Confidence;
use plainsight::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::proto::Protocol;
use plainsight::proto::session::{Session, SessionSink};
use plainsight::rules::{Catalogue, Context, Engine};

use crate::support::revealing;

struct Found {
    engine: Engine,
    catalogue: Arc<Catalogue>,
    /// Kinds and values of findings that are more than a guess.
    said: Vec<(String, String)>,
}

impl SessionSink for Found {
    fn recognised(&mut self, _: &Flow, _: &'static Protocol) {}

    fn event(&mut self, flow: &Flow, protocol: &'static Protocol, event: Event<'_>) {
        let context = Context { flow, protocol: protocol.name, server_name: None };
        let Self { engine, catalogue, said } = self;
        engine.event(&context, &event, &mut |finding| {
            let value = finding.value.and_then(|value| value.clear);
            if let Some(value) = value.filter(|_| finding.confidence > Confidence::Low) {
                said.push((catalogue.rule(finding.rule).kind.clone(), value));
            }
        });
    }
}

/// What is found in what a client sends, in pieces of so many bytes.
fn sent(bytes: &[u8], piece: usize) -> Vec<(String, String)> {
    let end = |port| Endpoint { ip: [10, 0, 0, 1].into(), port };
    let (id, transport, roles) = (FlowId(1), Transport::Tcp, Roles::Guessed);
    let flow = Flow { id, transport, client: end(40_000), server: end(80), roles, tunnel: None };
    let mut found =
        Found { engine: Engine::new(revealing()), catalogue: Arc::clone(revealing().catalogue()), said: Vec::new() };
    let mut session = Session::new(flow, false);
    let origins = [Origin { start: 0, mark: Mark::default() }];
    for bytes in bytes.chunks(piece) {
        session.data(Direction::ToServer, Stretch { bytes, origins: &origins }, &mut found);
    }
    session.end(&mut found);
    found.said
}

/// The values of a kind in a request with this content, whatever its segments.
fn posted(kind: &str, content_type: &str, body: &str) -> Vec<String> {
    let head = format!(
        "POST /a HTTP/1.1\r\nHost: a.corp\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body.as_bytes()].concat();
    let whole = sent(&request, usize::MAX);
    for piece in [1, 7, 100] {
        assert_eq!(sent(&request, piece), whole, "in pieces of {piece}: {body}");
    }
    whole.into_iter().filter(|(own, _)| own == kind).map(|(_, value)| value).collect()
}

#[test]
fn cards_of_every_series_and_length_are_found() {
    // The first and the last of Mastercard's 2-series; 19 digits; 15; 14.
    for number in ["2221000000000009", "2720994326581252", "6259481739205617381", "374245455400126", "30569309025904"] {
        let found = posted("fin.pan", "application/json", &format!("{{\"card_number\":\"{number}\"}}"));
        assert_eq!(found, [number]);
    }
    // Luhn's check is made from the right, whatever the number's length.
    for number in ["374245455400127", "2720994326581253", "6259481739205617382"] {
        let found = posted("fin.pan", "application/json", &format!("{{\"card_number\":\"{number}\"}}"));
        assert_eq!(found, [""; 0], "{number}");
    }
}

#[test]
fn times_and_identifiers_are_no_cards() {
    let body = r#"{"ts":1775600000003,"us":1775600000000003,"ns":1775600000000000003,"id":"4539578763621486","order":4539578763621486,
        "lat":4.539578763621486,"span":"4539578763621486abcdef01","uuid":"4539578763621486-7c1e"}"#;
    assert_eq!(posted("fin.pan", "application/json", body), [""; 0]);
}

#[test]
fn numbers_of_advertisements_and_areas_nobody_has_are_no_social_security_numbers() {
    for number in ["987-65-4320", "987-65-4329", "666-12-3456", "000-12-3456", "536-00-4399", "536-90-0000"] {
        let found = posted("id.us.ssn", "application/json", &format!("{{\"ssn\":\"{number}\"}}"));
        assert_eq!(found, [""; 0], "{number}");
    }
    assert_eq!(posted("id.us.ssn", "application/json", r#"{"ssn":"536-90-4399"}"#), ["536-90-4399"]);
}

#[test]
fn what_chunks_and_segments_cut_is_found_whole() {
    let key = format!("ghp_{}", "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT");
    let key = format!("{key}{}", checksum(key.as_bytes()));
    let body = format!("{{\"card_number\":\"4539578763621486\",\"note\":\"{key}\"}}");
    for size in [1, 3, 8, 17] {
        let mut request =
            b"POST /a HTTP/1.1\r\nHost: a.corp\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_vec();
        for chunk in body.as_bytes().chunks(size) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        for piece in [1, 5, usize::MAX] {
            let found = sent(&request, piece);
            for (kind, value) in [("fin.pan", "4539578763621486"), ("secret.github_token", key.as_str())] {
                assert!(found.contains(&(kind.to_owned(), value.to_owned())), "chunks of {size}: {found:?}");
            }
        }
    }
}

/// A GitHub token's check: the CRC-32 of what is before it, in base 62.
fn checksum(token: &[u8]) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut crc = u32::MAX;
    for byte in token.strip_prefix(b"ghp_").unwrap_or(token) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc as usize;
    let mut check = [b'0'; 6];
    for digit in check.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    String::from_utf8_lossy(&check).into_owned()
}

#[test]
fn a_secret_ends_where_its_form_does() {
    let key = format!("ghp_{}", "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT");
    let key = format!("{key}{}", checksum(key.as_bytes()));
    for (kind, body) in [
        ("application/x-www-form-urlencoded", format!("a={key}&b=1")),
        ("text/html", format!("<p>{key}</p>")),
        ("text/plain", format!("{key}%22,")),
        ("application/json", format!("{{\"a\":\"{key}\\n\"}}")),
        ("text/plain", format!("{key}\n")),
        ("text/plain", format!("({key})")),
    ] {
        assert_eq!(posted("secret.github_token", kind, &body), std::slice::from_ref(&key), "{body}");
    }
    for (body, secret) in
        [("a=1&card_number=4539578763621486&b=2", "4539578763621486"), ("ssn=536-90-4399&b=2", "536-90-4399")]
    {
        let kind = if secret.len() == 16 { "fin.pan" } else { "id.us.ssn" };
        assert_eq!(posted(kind, "application/x-www-form-urlencoded", body), [secret]);
    }
}
