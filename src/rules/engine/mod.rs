//! One worker's view of the rules.

mod tell;

use std::sync::Arc;

use hashbrown::HashMap;

use super::Options;
use super::bulk::Tallies;
use super::catalogue::Catalogue;
use super::compile::Compiled;
use super::cost::{Clock, Cost, Meter};
use super::error::RuleError;
use super::familiar::{self, Familiar};
use super::guard::Situation;
use super::inner::{self, Outside};
use super::names::{Reading, Roles};
use super::schema::Place;
use super::text::{Header, Hit, NamedAt, Outer, Scan, Scratch};
use crate::model::event::{Event, Field, FieldKind, Format, Login, Proof, Text};
use crate::model::finding::{Finding, RuleIndex};
use crate::model::flow::{Direction, Flow, FlowId};

use tell::Source;

/// Names of fields whose meaning is remembered. Traffic repeats a few hundred; a hostile sender can
/// make as many as it likes.
const REMEMBERED: usize = 4096;

/// Shortest value that can hold something a rule for text looks for.
const SHORTEST: usize = 6;

/// The flow an event was seen in.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// Its protocol's name.
    pub protocol: &'static str,
    /// The server's name, where one was said.
    pub server_name: Option<&'a str>,
}

/// The compiled rules, shared by all workers.
#[derive(Debug)]
pub struct Matcher {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) options: Options,
    pub(super) compiled: Compiled,
}

impl Matcher {
    /// Compiles the rules that are switched on.
    pub fn new(catalogue: Arc<Catalogue>, options: Options) -> Result<Arc<Self>, RuleError> {
        let compiled = Compiled::new(&catalogue)?;
        Ok(Arc::new(Self { catalogue, options, compiled }))
    }

    /// Compiles other rules with the same options, for engines to switch to ([`Engine::replace`]). The
    /// rules both have keep their [`crate::model::finding::RuleIndex`], and so does one that is no more.
    pub fn successor(&self, catalogue: Catalogue) -> Result<Arc<Self>, RuleError> {
        Self::new(Arc::new(catalogue.succeeding(&self.catalogue)), self.options.clone())
    }

    /// Compiles every expression now, not when it is first needed.
    pub fn prepare(&self) {
        for (index, _) in self.catalogue.iter() {
            self.compiled.part(index).faults();
        }
    }

    /// Whether what a rule finds in a content it finds there at any time. What is said of a token depends on
    /// when that is.
    pub fn is_lasting(&self, rule: RuleIndex) -> bool {
        !matches!(self.catalogue.rule(rule).category(), "credential" | "secret")
    }

    /// The rules it was made from.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }
}

/// One worker's matcher: shares the compiled rules, owns the scratch memory.
#[derive(Debug)]
pub struct Engine {
    matcher: Arc<Matcher>,
    scratch: Scratch,
    names: HashMap<Box<str>, Arc<Roles>>,
    /// The table that is being read, for its later pieces.
    table: Option<Header>,
    path: String,
    familiar: Familiar<Hit>,
    /// Values that are counted.
    tallies: Tallies,
    /// Some were, since somebody asked.
    counted: bool,
    /// The place of the text that is being read; meaningless outside of one.
    content: String,
    in_text: bool,
    /// How deep inside of other content the content is that is read.
    pub(super) depth: usize,
}

impl Engine {
    /// An engine over compiled rules.
    pub fn new(matcher: Arc<Matcher>) -> Self {
        Self {
            matcher,
            scratch: Scratch::default(),
            names: HashMap::new(),
            table: None,
            path: String::new(),
            familiar: Familiar::of(0),
            tallies: Tallies::default(),
            counted: false,
            content: String::new(),
            in_text: false,
            depth: 0,
        }
    }

    /// Remembers so many texts: what is met again is not searched again.
    #[must_use]
    pub fn remembering(self, texts: usize) -> Self {
        Self { familiar: Familiar::of(texts), ..self }
    }

    /// Switches to a [`Matcher::successor`] of its matcher, between two events. Nothing of a flow is
    /// lost; what was known to hold nothing is searched again.
    pub fn replace(&mut self, matcher: Arc<Matcher>) {
        let table = self.table.take().map(|table| matcher.reread(table));
        let tallies = std::mem::take(&mut self.tallies);
        let mut familiar = std::mem::replace(&mut self.familiar, Familiar::of(0));
        familiar.forget();
        *self = Self { table, tallies, familiar, ..Self::new(matcher) };
    }

    /// Counts from now on what the rules cost, and the time they take if there is a clock. What was seen
    /// before is searched again.
    pub fn measure(&mut self, clock: Option<Clock>) {
        self.scratch.meter = Some(Box::new(Meter::new(self.matcher.catalogue.len(), clock)));
    }

    /// What the rules have cost since [`Engine::measure`], in the order of the catalogue.
    pub fn costs(&self) -> &[Cost] {
        self.scratch.meter.as_ref().map_or(&[], |meter| meter.costs())
    }

    /// What its rules are compiled to.
    pub const fn matcher(&self) -> &Arc<Matcher> {
        &self.matcher
    }

    /// Whether values were counted since this was last asked: then more came of an event than findings.
    pub const fn has_counted(&mut self) -> bool {
        std::mem::replace(&mut self.counted, false)
    }

    /// One side of a flow speaks: what the other side sent before was an answer of its own.
    pub fn turned(&mut self, flow: FlowId, direction: Direction) {
        self.tallies.turn(flow, direction);
    }

    /// A flow is over.
    pub fn ended(&mut self, flow: FlowId) {
        self.tallies.forget(flow);
    }

    /// Says what the rules make of an event.
    pub fn event(&mut self, at: &Context<'_>, event: &Event<'_>, found: &mut dyn FnMut(Finding)) {
        match event {
            Event::Field(field) => self.field(at, field, found),
            Event::Login(login) => {
                self.matcher.login(at, login, found);
                let secret = login.secret.expose();
                if login.proof == Proof::Token && inner::may_hold("", secret) {
                    let (path, direction) = (login.field, login.direction);
                    let from = Outside { path, resource: "", direction, outcome: login.outcome, span: login.span };
                    self.inside(at, secret, from, found);
                }
                self.known(at, login, found);
            }
            Event::Text(text) => {
                if text.seen == 0 && !self.tallies.is_empty() {
                    self.tallies.begin(at.flow.id, text.direction, text.place, text.resource);
                }
                self.content.clear();
                self.content.push_str(text.place);
                self.in_text = true;
                self.text(at, text, found);
                self.in_text = false;
            }
            Event::Weakness(weakness) => self.matcher.weakness(at, weakness, found),
            Event::Beyond(_) | Event::Link(_) | Event::Skipped { .. } | Event::Tls(_) => {}
        }
    }

    pub(super) fn field(&mut self, at: &Context<'_>, field: &Field<'_>, out: &mut dyn FnMut(Finding)) {
        let value = field.value.expose();
        if value.is_empty() {
            return;
        }
        let unescaped = inner::unescaped(value);
        let value = unescaped.as_deref().unwrap_or(value);
        let roles = self.meaning(field.name);
        let place = Place::from(field.kind);
        let situation = Situation { direction: field.direction, format: None, place, delimited: true };
        let time = field.span.first.at;
        let named = NamedAt { situation, protocol: at.protocol, at: time };
        let whole = if roles.is_empty() { None } else { self.matcher.named(&roles, value, &named) };
        self.scratch.hits.clear();
        if value.len() >= SHORTEST {
            let outer = Outer { name: field.name, roles: &roles };
            let scan = Scan {
                text: value,
                format: sniff(value),
                direction: field.direction,
                seen: 0,
                at: time,
                protocol: at.protocol,
                outer: Some(outer),
                cells: &[],
            };
            self.matcher.scan(&scan, None, &mut self.scratch);
        }
        let rank = |hit: &Hit| self.matcher.catalogue.rule(hit.rule).rank();
        // A rule that knows the value better than its name does stands instead of the rule for the name.
        if let Some(whole) = whole
            && !self.scratch.hits.iter().any(|hit| rank(hit) > rank(&whole) && hit.confidence >= whole.confidence)
        {
            let own = rank(&whole);
            let matcher = &self.matcher;
            self.scratch.hits.retain(|hit| matcher.catalogue.rule(hit.rule).rank() > own);
            self.scratch.hits.push(whole);
        }
        self.matcher.known(value, 0, &mut self.scratch);
        let source = Source {
            place: field.place,
            name: field.name,
            bytes: value,
            format: sniff(value),
            kind: Some(field.kind),
            resource: field.resource,
            direction: field.direction,
            outcome: field.outcome,
            account: field.account,
        };
        if !self.tell(at, &source, |_| field.span, out) && inner::may_hold(field.name, value) {
            let path = format!("{}.{}", field.place, field.name);
            let Field { resource, direction, outcome, span, .. } = *field;
            self.inside(at, value, Outside { path: &path, resource, direction, outcome, span }, out);
        }
    }

    /// A login with a known secret is told as one, too.
    fn known(&mut self, at: &Context<'_>, login: &Login<'_>, out: &mut dyn FnMut(Finding)) {
        self.scratch.hits.clear();
        let bytes = login.secret.expose();
        self.matcher.known(bytes, 0, &mut self.scratch);
        let source = Source {
            place: login.field,
            name: "",
            bytes,
            format: Format::Plain,
            kind: Some(FieldKind::Header),
            resource: "",
            direction: login.direction,
            outcome: login.outcome,
            account: login.username,
        };
        let _ = self.tell(at, &source, |_| login.span, out);
    }

    pub(super) fn text(&mut self, at: &Context<'_>, text: &Text<'_>, out: &mut dyn FnMut(Finding)) {
        if self.dialect(at, text, out) {
            return;
        }
        let bytes = text.data.bytes;
        let of = || (at.flow.id, text.direction, text.place.to_owned());
        if text.format == Format::Csv && text.seen == 0 {
            self.table = self.matcher.header(bytes, of());
        }
        let table = self.table.as_ref().filter(|table| text.format == Format::Csv && table.of == of());
        let scan = Scan {
            text: bytes,
            format: text.format,
            direction: text.direction,
            seen: text.seen,
            at: text.data.mark(0).at,
            protocol: at.protocol,
            outer: None,
            cells: &[],
        };
        // A table's later pieces mean what its header says, which is not part of the digest.
        let new = text.format == Format::Csv || self.scratch.meter.is_some();
        let digest = if new { None } else { familiar::digest(&scan, text.resource) };
        if let Some(hits) = digest.as_ref().and_then(|digest| self.familiar.found(digest)) {
            if hits.is_empty() {
                return;
            }
            self.scratch.hits.clear();
            self.scratch.packed.clear();
            self.scratch.hits.extend_from_slice(hits);
        } else {
            self.matcher.scan(&scan, table, &mut self.scratch);
            self.matcher.known(bytes, text.seen, &mut self.scratch);
            // No value is kept, only where it stands.
            let lasting = |hit: &Hit| hit.value.is_none() && hit.account.is_none() && self.matcher.is_lasting(hit.rule);
            if let Some(digest) = digest
                && self.scratch.packed.is_empty()
                && self.scratch.hits.iter().all(lasting)
            {
                self.familiar.remember(digest, self.scratch.hits.as_slice().into());
            }
        }
        let source = Source {
            place: text.place,
            name: "",
            bytes,
            format: text.format,
            kind: None,
            resource: text.resource,
            direction: text.direction,
            outcome: text.outcome,
            account: None,
        };
        self.tell(at, &source, |range| text.data.span(range), out);
    }

    /// What a field's name means, remembered.
    fn meaning(&mut self, name: &str) -> Arc<Roles> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        if self.names.len() >= REMEMBERED {
            self.names.clear();
        }
        let roles = Arc::new(self.matcher.compiled.names.resolve(name, Reading::Key));
        self.names.insert(name.into(), Arc::clone(&roles));
        roles
    }
}

/// What the value of a field is written in.
fn sniff(value: &[u8]) -> Format {
    match value.first() {
        Some(b'{' | b'[') => Format::Json,
        Some(b'<') => Format::Xml,
        _ => Format::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::base64;
    use crate::model::event::Outcome;
    use crate::model::flow::{Endpoint, Roles, Transport};
    use crate::model::stream::Stretch;

    const RULE: &str = r#"
        [[rule]]
        id = "test.one"
        title = "A test"
        kind = "secret.test"
        severity = "high"
        description = "Only a test."
        fix = "None."
        on = "field"
        names = ["one"]
        anchors = ["one"]
    "#;

    fn found(engine: &mut Engine, format: Format, text: &str, seen: usize) -> Vec<String> {
        let end = Endpoint { ip: [0; 4].into(), port: 0 };
        let flow = Flow {
            id: FlowId(1),
            transport: Transport::Tcp,
            client: end,
            server: end,
            roles: Roles::Guessed,
            tunnel: None,
        };
        let event = Event::Text(Text {
            format,
            place: "text",
            resource: "",
            direction: Direction::ToServer,
            outcome: Outcome::Unknown,
            data: Stretch { bytes: text.as_bytes(), origins: &[] },
            seen,
        });
        let mut found = Vec::new();
        let catalogue = Arc::clone(&engine.matcher.catalogue);
        let at = Context { flow: &flow, protocol: "text", server_name: None };
        engine.event(&at, &event, &mut |finding| found.push(catalogue.rule(finding.rule).id.clone()));
        found
    }

    #[test]
    fn what_was_found_once_is_found_again_in_the_same_text() {
        let mut catalogue = Catalogue::default();
        let rule = RULE.replace("secret.test", "pii.test").replace("test.one", "test.address");
        catalogue.add("test", &rule).unwrap();
        let mut engine = Engine::new(Matcher::new(Arc::new(catalogue), Options::default()).unwrap());
        let page = format!("{}\none: first value\n{}\none: second value\n", "x ".repeat(800), "y ".repeat(800));
        for _ in 0..3 {
            assert_eq!(found(&mut engine, Format::Plain, &page, 0), ["test.address"; 2]);
        }
        assert_eq!(found(&mut engine, Format::Plain, &page, 1700), ["test.address"]);
        assert_eq!(found(&mut engine, Format::Plain, &page.replace("one", "two"), 0), [""; 0]);
    }

    #[test]
    fn documents_in_base64_are_looked_into_wherever_they_stand() {
        let mut catalogue = Catalogue::default();
        catalogue.add("test", RULE).unwrap();
        let mut engine = Engine::new(Matcher::new(Arc::new(catalogue), Options::default()).unwrap());
        let document = base64::encode(b"{\"one\":\"first value\",\"other\":1}");
        let text = format!("{{\"a\":1,\"data\":\"{document}\"}}");
        // Again, as what is known of a text must not hide what is inside.
        for _ in 0..2 {
            assert_eq!(found(&mut engine, Format::Json, &text, 0), ["test.one"]);
        }
        // Tokens, which have dots, and what is cut are not meant.
        let token = text.replace(&document, "eyJhbGciOiJub25lIn0.eyJvbmUiOiJmaXJzdCB2YWx1ZSJ9.c2ln");
        assert!(found(&mut engine, Format::Json, &token, 0).is_empty());
        assert!(found(&mut engine, Format::Json, &text.replace(&document, &document[..30]), 0).is_empty());
    }

    #[test]
    fn files_in_base64_and_keys_with_escaped_letters_are_read() {
        let mut catalogue = Catalogue::default();
        catalogue.add("test", RULE).unwrap();
        let mut engine = Engine::new(Matcher::new(Arc::new(catalogue), Options::default()).unwrap());
        let file = base64::encode(b"[first]\none = a value of some length\nother = 2\n");
        let (start, end) = file.split_at(20);
        let text = format!("{{\"encoding\":\"base64\",\"content\":\"{start}\\n{end}\\n\"}}");
        assert_eq!(found(&mut engine, Format::Json, &text, 0), ["test.one"]);
        let escaped = r#"{"a":1,"o\u006ee":"first value"}"#;
        assert_eq!(found(&mut engine, Format::Json, escaped, 0), ["test.one"]);
    }

    #[test]
    fn an_engine_takes_other_rules_in_the_middle_of_a_table() {
        let catalogue = |text: &str| {
            let mut catalogue = Catalogue::default();
            catalogue.add("test", text).unwrap();
            catalogue
        };
        let first = Matcher::new(Arc::new(catalogue(RULE)), Options::default()).unwrap();
        let mut engine = Engine::new(Arc::clone(&first));
        assert_eq!(found(&mut engine, Format::Csv, "one,two\nfirst value,other\n", 0), ["test.one"]);
        let two = RULE.replace("test.one", "test.two").replace("\"one\"", "\"two\"");
        engine.replace(first.successor(catalogue(&two)).unwrap());
        assert_eq!(found(&mut engine, Format::Csv, "next value,different\n", 1), ["test.two"]);
    }
}
