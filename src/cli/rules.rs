//! `plainsight rules`: the catalogue, and its rules tried on text.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::choice::Sources;
use super::exit::Exit;
use super::nearest;
use super::screen::Screen;
use super::{bench, import, scan};
use crate::report::layout::{self, BAD, BOLD, DIM, GOOD, NAME, PLAIN, Text, table, wrap};
use crate::report::words;
use crate::rules::{self, Catalogue, Rule, When, glob};

const EXAMPLES: &str = "\
Examples:
  plainsight rules list                     all rules, the worst first
  plainsight rules list 'cred.*'            those that fit, by id or kind
  plainsight rules show login.password      what one looks for
  plainsight rules check my-rules.toml      do rules find what their examples say?
  plainsight rules import gitleaks gitleaks.toml -o gitleaks-rules.toml
  plainsight rules scan dump.sql            secrets and personal data in a file, by line
  plainsight rules bench /usr/share/doc     what rules cost over text";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    sources: Sources,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List rules
    List {
        /// Only those that fit, by id or kind; * stands for anything
        #[arg(value_name = "GLOB")]
        globs: Vec<String>,
    },
    /// Show what a rule looks for
    Show {
        /// The rule's id
        id: String,
    },
    /// Try every rule on its own examples
    Check {
        /// A file or directory of rules to add to the built-in ones
        path: Option<PathBuf>,
    },
    /// Make rules of those of another program
    Import(import::Args),
    /// Look for secrets and personal data in text
    Scan(scan::Args),
    /// Measure what rules cost, and fail if one costs too much
    Bench(bench::Args),
}

pub(super) fn run(args: Args, screen: &mut Screen) -> Result<Exit> {
    let mut catalogue = args.sources.catalogue()?;
    match args.command {
        Command::Check { path } => {
            path.iter().try_for_each(|path| catalogue.load(path))?;
            check(&catalogue, screen)
        }
        Command::Bench(args) => bench::run(&args, catalogue, screen),
        Command::Import(args) => import::run(&args, screen),
        Command::List { globs } => list(&catalogue, &globs, screen),
        Command::Scan(args) => scan::run(&args, catalogue, screen),
        Command::Show { id } => show(&catalogue, &id, screen),
    }
}

/// Says that there is no such rule, and which one may have been meant.
pub(super) fn no_such_rule(catalogue: &Catalogue, id: &str) -> anyhow::Error {
    match nearest(id, catalogue.iter().map(|(_, rule)| rule), |rule| &rule.id) {
        Some(rule) => anyhow!("no rule `{id}`; did you mean `{}`?", rule.id),
        None => anyhow!("no rule `{id}`; `plainsight rules list` shows them all"),
    }
}

fn list(catalogue: &Catalogue, globs: &[String], screen: &mut Screen) -> Result<Exit> {
    let fits = |rule: &Rule| glob::fits_any(globs, &rule.id) || glob::fits_any(globs, &rule.kind);
    let mut rules: Vec<&Rule> = catalogue.iter().map(|(_, rule)| rule).filter(|rule| fits(rule)).collect();
    if rules.is_empty() && !globs.is_empty() {
        return Err(no_such_rule(catalogue, &globs.join(" ")));
    }
    rules.sort_by_key(|rule| (std::cmp::Reverse(rule.accepted_severity()), &rule.id));
    let rows = rules.iter().map(|rule| {
        let severity = rule.accepted_severity();
        let off = if rule.enabled { "" } else { " (off unless asked for with --only)" };
        vec![
            Text::styled(layout::severity(severity), severity.name()),
            Text::styled(NAME, &rule.id),
            Text::styled(DIM, &rule.kind),
            Text::plain(&rule.title).with(DIM, off),
        ]
    });
    let width = screen.width();
    screen.lines(table(rows.collect(), 0, width, &[3]))?;
    Ok(Exit::Done)
}

fn show(catalogue: &Catalogue, id: &str, screen: &mut Screen) -> Result<Exit> {
    let rule = catalogue.find(id).ok_or_else(|| no_such_rule(catalogue, id))?;
    screen.line(&Text::styled(BOLD, &rule.title).with(DIM, &format!("  {}", rule.id)))?;
    let mut facts = vec![("kind", vec![rule.kind.clone()]), ("severity", vec![rule.severity.name().to_owned()])];
    if let When::Login(_) = rule.when {
        facts.push(("if accepted", vec![rule.accepted_severity().name().to_owned()]));
        facts.push(("if rejected", vec![rule.rejected_severity().name().to_owned()]));
    }
    facts.push(("confidence", vec![rule.confidence.name().to_owned()]));
    facts.push(("protocols", rule.protocols.clone()));
    facts.extend(conditions(&rule.when));
    facts.push(("references", rule.references.clone()));
    let width = screen.width();
    for (label, items) in facts.into_iter().filter(|(_, items)| !items.is_empty()) {
        let items = items.iter().map(|item| Text::styled(PLAIN, item));
        let mut lines = wrap(items, 2, LABEL, width).into_iter();
        let first = lines.next().unwrap_or_default().skip(LABEL);
        screen.line(&Text::styled(DIM, &format!("  {label}")).padded(LABEL).join(first))?;
        screen.lines(lines)?;
    }
    Ok(Exit::Done)
}

fn check(catalogue: &Catalogue, screen: &mut Screen) -> Result<Exit> {
    let report = rules::check(catalogue)?;
    let width = screen.width();
    for fault in &report.faults {
        let said = Text::styled(BAD, &fault.rule).with(PLAIN, &format!(" {}", fault.what));
        screen.lines(wrap([said], 1, 0, width))?;
    }
    for note in &report.notes {
        let said = Text::styled(NAME, &note.rule).with(DIM, &format!(" {}", note.what));
        screen.lines(wrap([said], 1, 0, width))?;
    }
    let faults = report.faults.len() as u64;
    let tried = format!(
        "{} and {} tried, {}",
        words::many(report.rules as u64, "rule"),
        words::many(report.examples as u64, "example"),
        if faults == 0 { "all is well".to_owned() } else { words::many(faults, "fault") },
    );
    screen.line(&Text::styled(if faults == 0 { GOOD } else { BAD }, &tried))?;
    Ok(if faults == 0 { Exit::Done } else { Exit::Failed })
}

/// Columns of a label and what goes before and after it.
const LABEL: usize = 16;

/// What a rule looks for, by the names its file uses.
fn conditions(when: &When) -> Vec<(&'static str, Vec<String>)> {
    match when {
        When::Bulk(bulk) => vec![
            ("looks at", vec!["how many values stand in one place".to_owned()]),
            ("of", bulk.of.clone()),
            ("least", vec![bulk.least.to_string()]),
        ],
        When::Content(content) => vec![
            ("looks at", vec!["text".to_owned()]),
            ("keywords", content.keywords.clone()),
            ("regex", content.regex.as_slice().to_vec()),
            ("names", content.names.clone()),
            ("validators", content.validators.clone()),
            ("near", content.near.clone()),
        ],
        When::Field(named) => vec![
            ("looks at", vec!["named values".to_owned()]),
            ("names", named.names.clone()),
            ("regex", named.regex.as_slice().to_vec()),
            ("validators", named.validators.clone()),
        ],
        When::Known(_) => vec![("looks at", vec!["everything, for the secrets of --known".to_owned()])],
        When::Login(login) => vec![
            ("looks at", vec!["logins".to_owned()]),
            ("mechanisms", login.mechanisms.clone()),
            ("fields", login.fields.clone()),
            ("validators", login.validators.clone()),
        ],
        When::Number(number) => vec![
            ("looks at", vec!["numbers in fields and text".to_owned()]),
            ("forms", number.forms.clone()),
            ("names", number.names.clone()),
            ("validators", number.validators.clone()),
            ("near", number.near.clone()),
        ],
        When::Weakness(weakness) => vec![
            ("looks at", vec!["handshakes, certificates and links".to_owned()]),
            ("weakness", weakness.weakness.clone()),
        ],
    }
}
