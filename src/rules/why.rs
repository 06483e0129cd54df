//! The facts that made a finding, in words.

use super::schema::{Rule, When};
use super::validate;
use crate::model::event::Outcome;
use crate::model::finding::Finding;
use crate::model::why::Fact;

/// What made a finding of `rule`, as short facts: ``field named `card_no` ``, `Luhn check digit`.
pub fn why(finding: &Finding, rule: &Rule) -> Vec<String> {
    let why = finding.why;
    let mut facts = Vec::new();
    if why.has(Fact::Followed) {
        facts.push(match finding.outcome {
            Some(Outcome::Accepted) => "a login that the server accepted".to_owned(),
            Some(Outcome::Rejected) => "a login that the server rejected".to_owned(),
            _ => "a login whose answer was not seen".to_owned(),
        });
    }
    if why.has(Fact::Named) {
        let name = finding.field.rsplit('.').next().unwrap_or_default();
        facts.push(format!("field named `{name}`"));
    }
    let keyword = match &rule.when {
        When::Content(content) => why.keyword().and_then(|place| content.keywords.get(place)),
        _ => None,
    };
    if let Some(keyword) = keyword {
        let near = if why.has(Fact::KeywordNear) { " near" } else { "" };
        facts.push(format!("keyword `{}`{near}", keyword.trim()));
    }
    let words = [
        (Fact::Labelled, "the words before it name it"),
        (Fact::Expression, "fits the rule's expression"),
        (Fact::Form, "written as such a number"),
        (Fact::Grouped, "written in groups"),
        (Fact::Alone, "all there is in its place"),
        (Fact::HandedOver, "sent by the client as a value"),
        (Fact::Unlike, "no word, placeholder or schema"),
        (Fact::Base64, "written in base64"),
        (Fact::Percent, "written in percent-encoding"),
        (Fact::Hex, "written in hexadecimal"),
        (Fact::Escaped, "written with the escapes of JSON"),
        (Fact::Entities, "written with the entities of HTML"),
        (Fact::Utf16, "written in UTF-16"),
        (Fact::Known, "equals a known secret"),
        (Fact::Graded, "graded by the analyzer"),
        (Fact::Bulk, "many different values in one text"),
    ];
    facts.extend(words.iter().filter(|(fact, _)| why.has(*fact)).map(|(_, words)| (*words).to_owned()));
    if let Some(bits) = why.entropy() {
        facts.push(format!("entropy {bits:.1}"));
    }
    if why.has(Fact::Checked) {
        facts.extend(validators(&rule.when).iter().map(|name| validate::says(name)));
    }
    if why.has(Fact::Doubted) {
        facts.push("a check leaves a doubt".to_owned());
    }
    if why.has(Fact::Company) {
        facts.push(format!("near {}", company(&rule.when).join(" or ")));
    }
    if why.has(Fact::TestValue) {
        facts.push("published for tests and documentation".to_owned());
    }
    facts
}

fn validators(when: &When) -> &[String] {
    match when {
        When::Content(content) => &content.validators,
        When::Field(named) => &named.validators,
        When::Login(login) => &login.validators,
        When::Number(number) => &number.validators,
        When::Bulk(_) | When::Known(_) | When::Weakness(_) => &[],
    }
}

fn company(when: &When) -> &[String] {
    match when {
        When::Content(content) if content.near.is_empty() => &content.raised_by,
        When::Content(content) => &content.near,
        When::Field(named) => &named.near,
        When::Number(number) if number.near.is_empty() => &number.raised_by,
        When::Number(number) => &number.near,
        When::Bulk(_) | When::Known(_) | When::Login(_) | When::Weakness(_) => &[],
    }
}
