use super::*;
use crate::model::secret::Secret;

const SECRET: &str = "Tr0ub4dor&3 \"été\"+~";

fn known() -> Known {
    let mut known = Known::new();
    known.add("first", Secret::new(SECRET.as_bytes())).unwrap();
    known.add("second", Secret::new(b"correct-horse-battery")).unwrap();
    known
}

fn found(known: &Known, text: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    known.search(text, &mut |range, entry, _| {
        found.push((entry.name.clone(), String::from_utf8_lossy(&text[range]).into_owned()));
    });
    found
}

#[test]
fn a_secret_is_found_in_every_form() {
    let known = known();
    let first = |text: &[u8]| found(&known, text).iter().filter(|(name, _)| name == "first").count();
    assert_eq!(first(format!("x{SECRET}y").as_bytes()), 1);
    for before in ["", "u:", "user:", "admin:", "x"] {
        let pair = format!("{before}{SECRET}:and more");
        assert_eq!(first(crate::content::base64::encode(pair.as_bytes()).as_bytes()), 1, "{before}");
    }
    let hex = crate::content::hex::encode(SECRET.as_bytes());
    assert_eq!(first(hex.to_uppercase().as_bytes()) + first(hex.to_lowercase().as_bytes()), 2);
    let utf16: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(first(&utf16), 1);
    for escaped in [
        "p=Tr0ub4dor%263%20%22%C3%A9t%c3%a9%22%2B~&x=1",
        r#"{"p":"Tr0ub4dor&3 \"\u00e9t\u00e9\"+~"}"#,
        "<p>Tr0ub4dor&amp;3 &quot;&#233;t&#xe9;&quot;+~</p>",
    ] {
        assert_eq!(first(&view::unescaped(escaped.as_bytes()).unwrap().text), 1, "{escaped}");
    }
}

#[test]
fn what_is_not_all_of_it_is_not_found() {
    let known = known();
    assert_eq!(found(&known, b"correct-horse-batterx correct-horse correct"), []);
    assert_eq!(found(&known, b""), []);
    assert_eq!(found(&known, b"correct-horse-battery").len(), 1);
}

#[test]
fn a_file_holds_no_secret_and_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.toml");
    known().save(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for (_, form) in forms(SECRET.as_bytes()) {
        assert!(!text.as_bytes().windows(8).any(|window| form.starts_with(window)));
    }
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
        0o600
    );
    let mut read = Known::load(&path).unwrap();
    assert_eq!(read.names().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(found(&read, b"(correct-horse-battery)"), [("second".to_owned(), "correct-horse-battery".to_owned())]);
    read.remove("second").unwrap();
    assert_eq!(found(&read, b"(correct-horse-battery)"), []);
}

#[test]
fn what_cannot_be_kept_safe_or_told_apart_is_refused() {
    let mut known = known();
    assert!(matches!(known.add("pin", Secret::new(b"1234567")), Err(KnownError::Short(_))));
    assert!(matches!(known.add("first", Secret::new(b"another secret")), Err(KnownError::Twice(_))));
    assert!(matches!(known.add("a\nb", Secret::new(b"another secret")), Err(KnownError::Name(_))));
    assert!(matches!(known.remove("third"), Err(KnownError::Nobody(_))));
}

#[test]
fn a_known_secret_in_a_text_is_told_by_its_name() {
    use std::sync::Arc;

    use crate::model::event::{Event, Format, Outcome, Text};
    use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
    use crate::model::stream::Stretch;
    use crate::rules::{Catalogue, Context, Engine, Options};

    let mut catalogue = Catalogue::builtin().unwrap();
    catalogue.set_known(Arc::new(known()));
    let catalogue = Arc::new(catalogue);
    let mut engine = Engine::new(Matcher::new(Arc::clone(&catalogue), Options::default()).unwrap());
    let end = Endpoint { ip: [0; 4].into(), port: 0 };
    let (transport, roles, tunnel) = (Transport::Tcp, Roles::Guessed, Default::default());
    let flow = Flow { id: FlowId(1), transport, client: end, server: end, roles, tunnel };
    let text = "<p>Tr0ub4dor&amp;3 &quot;&#233;t&#xe9;&quot;+~</p> and correct-horse-battery, too";
    let event = Event::Text(Text {
        format: Format::Plain,
        place: "text",
        resource: "",
        direction: Direction::ToClient,
        outcome: Outcome::Unknown,
        data: Stretch { bytes: text.as_bytes(), origins: &[] },
        seen: 0,
    });
    let mut told = Vec::new();
    let at = Context { flow: &flow, protocol: "text", server_name: None };
    engine.event(&at, &event, &mut |finding| {
        assert_eq!(catalogue.rule(finding.rule).kind, "secret.known");
        told.push((finding.note.unwrap(), finding.why.has(Fact::Entities)));
    });
    told.sort();
    assert_eq!(told, [("known as \"first\"".to_owned(), true), ("known as \"second\"".to_owned(), false)]);
}
