//! A catalogue tried on its own examples: every rule must find what it says it finds, nothing it says
//! it does not, and not what belongs to another rule.

use std::sync::Arc;

use super::catalogue::Catalogue;
use super::cost;
use super::engine::{Context, Engine, Matcher};
use super::error::RuleError;
use super::expression::Expression;
use super::schema::{Example, GradeName, LongExample, Place, ProofName, Rule, Way, When};
use super::{Key, Options};
use crate::model::event::{Event, Field, FieldKind, Format, Grade, Login, Outcome, Proof, Text, Weakness};
use crate::model::finding::{Confidence, Finding, RuleIndex, Severity};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use crate::model::packet::{Mark, Span};
use crate::model::secret::Secret;
use crate::model::stream::{Origin, Stretch};

/// What trying a catalogue has shown.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many rules were tried.
    pub rules: usize,
    /// How many examples.
    pub examples: usize,
    /// What is wrong, in the order of the catalogue.
    pub faults: Vec<Fault>,
    /// What could be better about rules that did not come with the program.
    pub notes: Vec<Fault>,
}

/// Something wrong with a rule.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The rule's id.
    pub rule: String,
    /// What is wrong.
    pub what: String,
}

/// Examples a rule must have, of what it finds and of what it does not.
const ENOUGH: usize = 2;

/// Tries every rule that is switched on.
pub fn check(catalogue: &Catalogue) -> Result<Report, RuleError> {
    let options = Options { reveal: true, key: Key::from_secret(b"check"), ..Options::default() };
    let matcher = Matcher::new(Arc::new(catalogue.clone()), options)?;
    let mut engine = Engine::new(Arc::clone(&matcher));
    let mut report = Report::default();
    for (index, rule) in catalogue.iter().filter(|(_, rule)| rule.enabled) {
        report.rules += 1;
        report.examples += rule.matches.len() + rule.misses.len();
        let named = |what| Fault { rule: rule.id.clone(), what };
        let form = form(rule).into_iter().map(named);
        if rule.origin.is_builtin() {
            report.faults.extend(form);
        } else {
            report.notes.extend(form);
            report.notes.extend(lint(rule).into_iter().map(named));
        }
        let faults = [matcher.compiled.part(index).faults(), examples(&mut engine, catalogue, index, rule)];
        report.faults.extend(faults.into_iter().flatten().map(named));
    }
    for (index, work) in cost::over_budget(catalogue)? {
        let what = format!(
            "makes work for {work} bytes in each MB, and may make {}: its keywords are too common or its expressions \
             look too far; `plainsight rules bench` shows what it costs",
            cost::BUDGET
        );
        report.faults.push(Fault { rule: catalogue.rule(index).id.clone(), what });
    }
    Ok(report)
}

/// What is wrong with how a rule is written.
fn form(rule: &Rule) -> Vec<String> {
    let mut faults = Vec::new();
    // What is known differs from file to file: there is no example of it.
    let known = matches!(rule.when, When::Known(_));
    if !known && (rule.matches.len() < ENOUGH || rule.misses.len() < ENOUGH) {
        faults.push(format!("fewer than {ENOUGH} examples of what it matches and of what it does not"));
    }
    if rule.references.is_empty() {
        faults.push("no references".to_owned());
    }
    let known = [
        "CWE-",
        "PCI-DSS-4.0.1:",
        "GDPR:",
        "HIPAA:",
        "ISO27001:",
        "NIS2:",
        "OWASP:",
        "ATT&CK:",
        "RFC",
        "NIST:",
        "https://",
    ];
    let strange = rule.references.iter().filter(|r| !known.iter().any(|k| r.starts_with(k)));
    faults.extend(strange.map(|r| format!("reference `{r}` is of no known kind")));
    faults
}

/// Words that stand in nearly every page, script or message.
const COMMON_WORDS: &[&str] = &[
    "data", "content", "text", "html", "http", "https", "name", "type", "value", "token", "class", "user", "link",
    "form", "page", "true", "false", "null", "list", "item", "code", "key=", "key:", "auth", "host", "path", "json",
    "script", "style", "span", "href", "title", "image", "server", "client", "secret", "string", "number",
];

/// An expression may look at so many bytes for each keyword without a remark.
const WINDOW: usize = 8192;

/// What makes a rule slow or blunt.
fn lint(rule: &Rule) -> Vec<String> {
    let When::Content(content) = &rule.when else { return Vec::new() };
    let mut notes = Vec::new();
    for keyword in &content.keywords {
        if COMMON_WORDS.contains(&keyword.to_ascii_lowercase().as_str()) {
            notes.push(format!("the keyword `{keyword}` stands in nearly every text: each costs a search"));
        } else if keyword.len() < 4 {
            notes.push(format!("the keyword `{keyword}` is short: each that is met costs a search"));
        }
    }
    for pattern in content.regex.as_slice() {
        match Expression::longest(pattern) {
            None => {
                notes.push(format!("an expression has no limit; matches end {} bytes after the keyword", content.after))
            }
            Some(longest) if longest > content.before + content.after + 64 && content.before + content.after > 0 => {
                notes.push(format!(
                    "matches of up to {longest} bytes are cut {} bytes after the keyword",
                    content.after
                ));
            }
            Some(_) => {}
        }
    }
    if content.before + content.after > WINDOW {
        notes.push(format!("looks at {} bytes for each keyword", content.before + content.after));
    }
    notes
}

fn examples(engine: &mut Engine, catalogue: &Catalogue, own: RuleIndex, rule: &Rule) -> Vec<String> {
    let mut faults = Vec::new();
    for (n, example) in rule.matches.iter().enumerate() {
        let found = run(engine, rule, example);
        let hit = found.iter().find(|f| f.rule == own);
        let clear = hit.and_then(|f| f.value.as_ref()).and_then(|v| v.clear.as_deref());
        match (hit, long(example).secret) {
            (None, _) => faults.push(format!("example {} of `matches` gives {}", n + 1, ids(catalogue, &found))),
            (Some(_), Some(expected)) if clear != Some(filled(&expected).as_str()) => {
                faults.push(format!("example {} of `matches` reports another value", n + 1));
            }
            _ => {}
        }
        let account = hit.and_then(|f| f.username.as_deref());
        if hit.is_some() && long(example).username.is_some_and(|expected| account != Some(expected.as_str())) {
            faults.push(format!(
                "example {} of `matches` reports the account {}",
                n + 1,
                account.unwrap_or("of nobody")
            ));
        }
        // Another value of the same text may well belong to another rule; the same one may not.
        let same = |f: &Finding| {
            let other = f.value.as_ref().and_then(|v| v.clear.as_deref()).unwrap_or_default();
            clear.is_some_and(|own| own.contains(other) || other.contains(own))
        };
        let strangers = found.iter().filter(|f| f.rule != own && f.confidence > Confidence::Low && same(f));
        let loud: Vec<Finding> = strangers.filter(|f| f.severity > Severity::Info).cloned().collect();
        if !loud.is_empty() && hit.is_some() {
            faults.push(format!("example {} of `matches` also gives {}", n + 1, ids(catalogue, &loud)));
        }
    }
    for (n, example) in rule.misses.iter().enumerate() {
        let found = run(engine, rule, example);
        if found.iter().any(|f| f.rule == own && f.confidence > Confidence::Low) {
            faults.push(format!("example {} of `misses` is found", n + 1));
        }
    }
    faults
}

fn ids(catalogue: &Catalogue, found: &[Finding]) -> String {
    let ids: Vec<&str> = found.iter().map(|f| catalogue.rule(f.rule).id.as_str()).collect();
    if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") }
}

fn long(example: &Example) -> LongExample {
    match example {
        Example::Short(text) => LongExample { text: Some(text.clone()), ..LongExample::default() },
        Example::Long(long) => (**long).clone(),
    }
}

/// How many bytes an example has.
pub(super) fn length(example: &Example) -> usize {
    let example = long(example);
    filled(example.text.or(example.value).as_deref().unwrap_or_default()).len()
}

/// The text of an example that is one.
pub(super) fn text(example: &Example) -> Option<String> {
    long(example).text.as_deref().map(filled)
}

/// The findings of one example.
pub(super) fn run(engine: &mut Engine, rule: &Rule, example: &Example) -> Vec<Finding> {
    let example = long(example);
    let direction = match example.direction {
        Some(Way::ToClient) => Direction::ToClient,
        _ => Direction::ToServer,
    };
    let protocol = example.protocol.or_else(|| rule.protocols.first().filter(|p| !p.contains('*')).cloned());
    let protocol = protocol.as_deref().map_or("http", interned);
    let endpoint = |last, port| Endpoint { ip: [192, 0, 2, last].into(), port };
    let flow = Flow {
        id: FlowId(0),
        transport: Transport::Tcp,
        client: endpoint(1, 40000),
        server: endpoint(2, 80),
        roles: Roles::Handshake,
        tunnel: None,
    };
    let at = Context { flow: &flow, protocol, server_name: None };
    engine.ended(flow.id);
    let mut found = Vec::new();
    let mut out = |finding| found.push(finding);
    let span = Span::at(Mark::default());
    let value = filled(example.value.as_deref().unwrap_or_default());
    let secret = Secret::new(value.as_bytes());
    if let Some(text) = &example.text {
        let text = filled(text);
        let data = Stretch { bytes: text.as_bytes(), origins: &[Origin { start: 0, mark: Mark::default() }] };
        let format = example.format.map_or(Format::Plain, Format::from);
        let (place, resource, outcome) = ("text", "", Outcome::Unknown);
        engine.event(&at, &Event::Text(Text { format, place, resource, direction, outcome, data, seen: 0 }), &mut out);
    } else if let Some(name) = &example.field {
        let field = Field {
            kind: example.place.map_or(FieldKind::Form, kind),
            place: "field",
            name,
            value: secret,
            resource: "",
            direction,
            account: None,
            outcome: Outcome::Unknown,
            span,
        };
        engine.event(&at, &Event::Field(field), &mut out);
    } else if let Some(mechanism) = &example.mechanism {
        let login = Login {
            mechanism: interned(mechanism),
            proof: match example.proof {
                Some(ProofName::Token) => Proof::Token,
                Some(ProofName::ChallengeResponse) => Proof::ChallengeResponse { hashcat: None },
                _ => Proof::Password,
            },
            username: None,
            secret,
            field: "login",
            direction,
            outcome: Outcome::Unknown,
            note: None,
            span,
        };
        engine.event(&at, &Event::Login(login), &mut out);
    } else if let Some(weakness) = &example.weakness {
        let grade = match example.grade {
            Some(GradeName::Broken) => Grade::Broken,
            Some(GradeName::Dated) => Grade::Dated,
            _ => Grade::Weak,
        };
        let weakness = Weakness { kind: interned(weakness), value: &value, note: "", grade, direction, span };
        engine.event(&at, &Event::Weakness(weakness), &mut out);
    }
    found
}

/// Events carry names that live as long as the program; the few an operator's examples add may too.
fn interned(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

fn kind(place: Place) -> FieldKind {
    match place {
        Place::Attribute => FieldKind::Attribute,
        Place::Column => FieldKind::Column,
        Place::Cookie => FieldKind::Cookie,
        Place::Form | Place::Label => FieldKind::Form,
        Place::Header => FieldKind::Header,
        Place::Json => FieldKind::Json,
        Place::Key => FieldKind::Key,
        Place::Parameter => FieldKind::Parameter,
        Place::Query => FieldKind::Query,
        Place::SetCookie => FieldKind::SetCookie,
        Place::Sql => FieldKind::Sql,
        Place::Xml => FieldKind::Xml,
    }
}

/// An example with its placeholders filled in: `{hex:32}` with 32 hex digits, and so on, always the
/// same ones. Examples written so hold nothing that looks like a live secret.
pub(super) fn filled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let placeholder = after.split_once('}').and_then(|(inside, left)| {
            let (alphabet, count) = inside.split_once(':')?;
            Some((alphabet_of(alphabet)?, count.parse::<usize>().ok()?, left))
        });
        let Some((alphabet, count, left)) = placeholder else {
            out.push('{');
            rest = after;
            continue;
        };
        for _ in 0..count {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let n = usize::try_from(state % alphabet.len() as u64).unwrap_or_default();
            out.push(alphabet.get(n).map_or('0', |b| char::from(*b)));
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

fn alphabet_of(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "alnum" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "b64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "b64url" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "base32" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "digit" => b"0123456789",
        "hex" => b"0123456789abcdef",
        "letter" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "lower" => b"abcdefghijklmnopqrstuvwxyz0123456789",
        "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_rules_keep_their_promises() {
        let report = check(&Catalogue::builtin().unwrap()).unwrap();
        let faults: Vec<String> = report.faults.iter().map(|f| format!("{}: {}", f.rule, f.what)).collect();
        assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
        assert!(report.rules > 0 && report.examples > report.rules);
    }

    #[test]
    fn what_is_published_for_tests_is_low_and_says_so() {
        let catalogue = Catalogue::builtin().unwrap();
        let options = Options { reveal: true, ..Options::default() };
        let mut engine = Engine::new(Matcher::new(Arc::new(catalogue.clone()), options).unwrap());
        let rule = catalogue.iter().next().unwrap().1;
        for text in [
            "card 4111 1111 1111 1111, exp 12/27",
            "ssn: 078-05-1120\n",
            "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        ] {
            let found = run(&mut engine, rule, &Example::Short(text.to_owned()));
            let told: Vec<_> = found.iter().map(|f| (f.severity, f.is_test_value())).collect();
            assert_eq!(told, [(Severity::Low, true)], "{text}");
        }
    }

    #[test]
    fn a_finding_says_which_facts_made_it() {
        let catalogue = Catalogue::builtin().unwrap();
        let mut engine = Engine::new(Matcher::new(Arc::new(catalogue.clone()), Options::default()).unwrap());
        let rule = catalogue.iter().next().unwrap().1;
        let found = run(&mut engine, rule, &Example::Short("card_no=4539578763621486\n".to_owned()));
        let facts = crate::rules::why(&found[0], catalogue.rule(found[0].rule));
        for fact in ["field named `card_no`", "Luhn valid, with a brand's prefix and length"] {
            assert!(facts.iter().any(|f| f == fact), "{facts:?}");
        }
    }

    #[test]
    fn placeholders_are_filled_with_the_same_characters_each_time() {
        assert_eq!(filled("a{hex:8}b").len(), 10);
        assert_eq!(filled("{hex:8}"), filled("{hex:8}"));
        assert_eq!(filled("{\"a\": {}}"), "{\"a\": {}}");
    }
}
