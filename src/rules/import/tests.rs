use std::sync::Arc;

use super::*;
use crate::model::event::{Event, Format, Outcome, Text};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use crate::model::stream::Stretch;
use crate::rules::{Catalogue, Context, Engine, Matcher, Options, check};

const FILE: &str = r##"
title = "a sample"

[extend]
disabledRules = ["switched-off"]

[[allowlists]]
regexes = ['''(?i)^true|false|null$''', '''^\$(?:\d+|{\d+})$''']
paths = ['''\.png$''']

[[rules]]
id = "acme-token"
description = "Found an ACME token. Somebody could spend your anvils."
regex = '''\b(acme_[a-z0-9]{16})(?:[\x60'"\s;]|\\[nr]|$)'''
entropy = 2.5
keywords = ["acme_"]
[[rules.allowlists]]
stopwords = ["roadrunner"]

[[rules]]
id = "near-key"
description = "A key near its name."
regex = '''(?i)[\w.-]{0,50}?(?:coyote)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}([a-f0-9]{20})(?:\\?['"\x60]|[\s;]|\\[nr]|$)'''
keywords = ["coyote"]
filter = '''
entropy(finding["secret"]) <= 2.0 || containsAny(finding["secret"], ["0000"]) || tokenRatio(finding["secret"]) < 2
'''
confidence = "high"

[[rules]]
id = "short-keyword"
description = "A keyword of two letters."
regex = '''ey[a-z]{20}'''
keywords = ["ey"]

[[rules]]
id = "by-path"
description = "A file."
path = '''\.p12$'''

[[rules]]
id = "switched-off"
description = "Not wanted."
regex = '''switched_off_[a-z]{10}'''
keywords = ["switched_off_"]

[[rules]]
id = "partner"
description = "Two parts."
regex = '''\b(anvil_secret_[a-z0-9]{10})\b'''
keywords = ["anvil_secret_"]
validate = '''http.get("https://acme.test")'''
[[rules.required]]
id = "acme-token"
withinLines = 5
"##;

fn found(text: &str) -> Vec<(String, String)> {
    let mut catalogue = Catalogue::default();
    catalogue.add("imported.toml", &gitleaks(FILE).unwrap().text).unwrap();
    let catalogue = Arc::new(catalogue);
    let options = Options { reveal: true, ..Options::default() };
    let mut engine = Engine::new(Matcher::new(Arc::clone(&catalogue), options).unwrap());
    let end = Endpoint { ip: [0; 4].into(), port: 0 };
    let flow = Flow {
        id: FlowId(1),
        transport: Transport::Tcp,
        client: end,
        server: end,
        roles: Roles::Guessed,
        tunnel: Default::default(),
    };
    let event = Event::Text(Text {
        format: Format::Plain,
        place: "text",
        resource: "",
        direction: Direction::ToServer,
        outcome: Outcome::Unknown,
        data: Stretch { bytes: text.as_bytes(), origins: &[] },
        seen: 0,
    });
    let mut found = Vec::new();
    let at = Context { flow: &flow, protocol: "text", server_name: None };
    engine.event(&at, &event, &mut |finding| {
        let value = finding.value.and_then(|value| value.clear).unwrap_or_default();
        found.push((catalogue.rule(finding.rule).id.clone(), value));
    });
    found
}

fn one(id: &str, value: &str) -> Vec<(String, String)> {
    vec![(id.to_owned(), value.to_owned())]
}

#[test]
fn secrets_are_found_whatever_the_wire_puts_behind_them() {
    for end in ["", "\"", "&b=1", "<", "%26", ","] {
        let token = "acme_k2j4h6g8f1d3s5a7";
        assert_eq!(found(&format!("t={token}{end}")), one("gitleaks.acme-token", token), "{end}");
    }
    assert_eq!(found("t=acme_k2j4h6g8f1d3s5a7x"), []);
    let key = "9f8e7d6c5b4a39281706";
    assert_eq!(found(&format!("COYOTE_KEY = {key}&x")), one("gitleaks.near-key", key));
}

#[test]
fn what_the_file_leaves_alone_is_left_alone() {
    assert_eq!(found("t=acme_roadrunner12345 "), []);
    assert_eq!(found("t=acme_aaaaaaaaaaaaaaaa "), []);
    assert_eq!(found("coyote=9f8e7d6c000039281706"), []);
    // A lone partner is none.
    assert_eq!(found("anvil_secret_k2j4h6g8f1"), []);
    assert_eq!(found("acme_k2j4h6g8f1d3s5a7 anvil_secret_k2j4h6g8f1").len(), 2);
}

#[test]
fn what_is_not_carried_over_is_told_by_rule() {
    let imported = gitleaks(FILE).unwrap();
    assert_eq!((imported.rules, imported.left), (3, 2));
    let told = |id: &str, what: &str| imported.notes.iter().any(|(rule, note)| rule == id && note.contains(what));
    assert!(told("short-keyword", "its keyword `ey` is too short"));
    assert!(told("by-path", "names of files"));
    assert!(told("near-key", "tokenRatio"));
    assert!(told("partner", "passive"));
    assert!(told("", "(?i)^(?:true|false|null)$"));
    assert!(gitleaks("rules = 1").is_err());
}

#[test]
fn a_keyword_that_is_too_short_gives_way_to_what_leads_to_the_rule() {
    let keywords = |regex: &str, keywords: &str| {
        let file = format!("[[rules]]\nid = \"a\"\nregex = '''{regex}'''\nkeywords = {keywords}\n");
        let imported = gitleaks(&file).unwrap();
        let line = imported.text.lines().find(|line| line.starts_with("keywords")).unwrap_or_default().to_owned();
        (line, imported.notes.iter().any(|(_, note)| note.contains("too short")))
    };
    let (inside, _) = keywords("[a-z]{3}[01]Q~[a-z]{31,34}", r#"["q~"]"#);
    assert_eq!(inside, r#"keywords = ["0q~", "1q~"]"#);
    let (wider, _) = keywords("SK[0-9a-f]{32}", r#"["sk"]"#);
    assert!(wider.contains(r#""sk0f""#), "{wider}");
    let (rest, told) = keywords("(?:hvs\\.|s\\.)[A-Za-z0-9]{24}", r#"["hvs.", "s."]"#);
    assert_eq!((rest.as_str(), told), (r#"keywords = ["hvs."]"#, true));
}

#[test]
fn an_imported_file_passes_the_check() {
    let mut catalogue = Catalogue::default();
    catalogue.add("imported.toml", &gitleaks(FILE).unwrap().text).unwrap();
    let report = check(&catalogue).unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert!(!report.notes.is_empty());
}
