//! One worker's view of the rules.

use std::sync::Arc;

use super::Options;
use super::catalogue::Catalogue;
use super::compile::Compiled;
use super::error::RuleError;
use crate::model::event::Event;
use crate::model::finding::Finding;
use crate::model::flow::Flow;

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

    /// The rules it was made from.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }
}

/// One worker's matcher: shares the compiled rules, owns the scratch memory.
#[derive(Debug)]
pub struct Engine {
    matcher: Arc<Matcher>,
}

impl Engine {
    /// An engine over compiled rules.
    pub fn new(matcher: Arc<Matcher>) -> Self {
        Self { matcher }
    }

    /// Says what the rules make of an event.
    pub fn event(&mut self, at: &Context<'_>, event: &Event<'_>, found: &mut dyn FnMut(Finding)) {
        match event {
            Event::Login(login) => self.matcher.login(at, login, found),
            Event::Weakness(weakness) => self.matcher.weakness(at, weakness, found),
            Event::Field(_) | Event::Link(_) | Event::Skipped { .. } | Event::Text(_) | Event::Tls(_) => {}
        }
    }
}
