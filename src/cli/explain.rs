//! `plainsight explain`.

use anyhow::Result;

use super::choice::Sources;
use super::exit::Exit;
use super::rules;
use super::screen::Screen;
use crate::report::layout::{self, BOLD, DIM, NAME, PLAIN, Text, wrap};
use crate::rules::{Rule, When};

const EXAMPLES: &str = "\
Examples:
  plainsight explain http.basic-auth      a rule, as findings name it
  plainsight explain cred.password        every rule of a kind";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A rule's id, or a kind of finding
    id: String,

    #[command(flatten)]
    sources: Sources,
}

pub(super) fn run(args: &Args, screen: &mut Screen) -> Result<Exit> {
    let catalogue = args.sources.catalogue()?;
    let named: Vec<&Rule> = match catalogue.find(&args.id) {
        Some(rule) => vec![rule],
        None => catalogue.iter().map(|(_, rule)| rule).filter(|rule| rule.kind == args.id).collect(),
    };
    if named.is_empty() {
        return Err(rules::no_such_rule(&catalogue, &args.id));
    }
    for (n, rule) in named.into_iter().enumerate() {
        if n > 0 {
            screen.line(&Text::new())?;
        }
        explain(rule, screen)?;
    }
    Ok(Exit::Done)
}

fn explain(rule: &Rule, screen: &mut Screen) -> Result<()> {
    screen.line(&Text::styled(BOLD, &rule.title).with(DIM, &format!("  {}", rule.id)))?;
    let severity = rule.accepted_severity();
    let mut facts = Text::styled(layout::severity(severity), severity.name()).with(DIM, &format!("  {}", rule.kind));
    if matches!(rule.when, When::Login(_)) {
        facts = facts.with(DIM, &format!("  ({} when the server refused)", rule.rejected_severity().name()));
    }
    screen.line(&facts)?;
    screen.line(&Text::new())?;
    screen.paragraph(&rule.description, 0)?;
    screen.line(&Text::new())?;
    screen.line(&Text::styled(BOLD, "How to put it right"))?;
    screen.paragraph(&rule.fix, 2)?;
    for (product, fix) in &rule.fixes {
        screen.line(&Text::blank(2).with(NAME, product))?;
        screen.paragraph(fix, 4)?;
    }
    if !rule.references.is_empty() {
        screen.line(&Text::new())?;
        screen.line(&Text::styled(BOLD, "References"))?;
        let references = rule.references.iter().map(|reference| Text::styled(PLAIN, reference));
        screen.lines(wrap(references, 2, 2, screen.width()))?;
    }
    Ok(())
}
