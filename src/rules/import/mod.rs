//! Rules of gitleaks and Betterleaks as rules of ours. What cannot be carried over is told, rule by rule.

mod filter;
mod regex;

use std::fmt::Write as _;

use serde::Deserialize;
use toml::Value;

use super::file::telling;
use filter::{Filter, Target};

/// Rules that were carried over.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// A file of ours.
    pub text: String,
    /// How many rules it holds.
    pub rules: usize,
    /// How many rules could not be carried over at all.
    pub left: usize,
    /// What was not carried over: the rule's id (empty: the whole file), and what and why.
    pub notes: Vec<(String, String)>,
}

/// A match of a rule may begin so far before its keyword, at most.
const BEFORE: usize = 256;

/// A match may be so long, at most. Texts are searched in pieces that overlap by less.
const LONGEST: usize = 4096;

/// Reads a file of gitleaks or Betterleaks. `Err`: it is not one.
pub fn gitleaks(text: &str) -> Result<Imported, String> {
    let config: Config = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut imported = Imported::default();
    let mut note = |what: &str| imported.notes.push((String::new(), what.to_owned()));
    let extend = config.extend.unwrap_or_default();
    if extend.use_default || extend.path.is_some() || extend.url.is_some() {
        note("`extend`: the rules it builds upon are not in this file; import them, too, and load them first");
    }
    if config.prefilter.is_some() {
        note("`prefilter` looks at paths and commits, which traffic has not");
    }
    let mut everywhere = Allowed::default();
    for list in config.allowlists.iter().chain(&config.allowlist) {
        everywhere.list(list);
    }
    everywhere.filter(config.filter.as_deref());
    imported.notes.extend(everywhere.notes.drain(..).map(|what| (String::new(), what)));
    let off = |id: &String| extend.disabled_rules.contains(id);
    for id in extend.disabled_rules.iter().filter(|id| !config.rules.iter().any(|rule| rule.id == **id)) {
        imported.notes.push((id.clone(), "is switched off by `disabledRules`, and not in this file".to_owned()));
    }
    imported.text.push_str(
        "# Made by `plainsight rules import gitleaks`. The licence of the file it was made from holds for it.\n\n\
         [defaults]\non = \"content\"\nseverity = \"high\"\nmask = \"keep_prefix:4\"\nreferences = [\"CWE-319\"]\n\
         fix = \"Revoke it, issue a new one, and send it over TLS only.\"\n",
    );
    for rule in config.rules.iter().filter(|rule| !off(&rule.id)) {
        let mut notes = Vec::new();
        let written = rule.write(&everywhere, &mut notes);
        match written {
            Ok(written) => {
                imported.rules += 1;
                imported.text.push('\n');
                for note in &notes {
                    let _ = writeln!(imported.text, "# not carried over: {}", note.replace('\n', " "));
                }
                imported.text.push_str(&written);
            }
            Err(why) => {
                imported.left += 1;
                notes.push(format!("left out: {why}"));
            }
        }
        imported.notes.extend(notes.into_iter().map(|what| (rule.id.clone(), what)));
    }
    Ok(imported)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    rules: Vec<Foreign>,
    extend: Option<Extend>,
    #[serde(default)]
    allowlists: Vec<List>,
    allowlist: Option<List>,
    prefilter: Option<String>,
    filter: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Extend {
    use_default: bool,
    path: Option<String>,
    url: Option<String>,
    disabled_rules: Vec<String>,
}

/// A rule of theirs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Foreign {
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<String>,
    path: Option<String>,
    #[serde(default)]
    secret_group: usize,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    keywords: Vec<String>,
    confidence: Option<String>,
    specificity: Option<Value>,
    #[serde(default)]
    allowlists: Vec<List>,
    allowlist: Option<List>,
    filter: Option<String>,
    prefilter: Option<String>,
    validate: Option<Value>,
    #[serde(default)]
    skip_report: bool,
    #[serde(default)]
    required: Vec<Partner>,
    #[serde(default)]
    components: Vec<Partner>,
}

#[derive(Deserialize)]
struct Partner {
    id: String,
}

/// What a rule leaves alone.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct List {
    condition: String,
    regex_target: String,
    regexes: Vec<String>,
    stopwords: Vec<String>,
    paths: Vec<String>,
    commits: Vec<String>,
    target_rules: Vec<String>,
}

/// What is left alone, in our form.
#[derive(Clone, Default)]
struct Allowed {
    entries: Vec<Entry>,
    min_entropy: f64,
    notes: Vec<String>,
}

#[derive(Clone)]
struct Entry {
    target: Target,
    regexes: Vec<String>,
    words: Vec<String>,
    all: bool,
    /// For these rules alone; empty for all.
    rules: Vec<String>,
}

impl Allowed {
    fn list(&mut self, list: &List) {
        let all = list.condition.eq_ignore_ascii_case("and");
        if !list.paths.is_empty() || !list.commits.is_empty() {
            self.notes.push("an allow list's paths and commits: traffic has none".to_owned());
            if all {
                // It needs what traffic has not: it never holds.
                return;
            }
        }
        let target = match list.regex_target.as_str() {
            "" => Target::Secret,
            named => Target::named(named).unwrap_or(Target::Secret),
        };
        self.entry(target, &list.regexes, &list.stopwords, all, &list.target_rules);
    }

    fn entry(&mut self, target: Target, regexes: &[String], words: &[String], all: bool, rules: &[String]) {
        let mut carried = Vec::new();
        for pattern in regexes {
            match regex::carry_allowed(pattern) {
                Ok((pattern, false)) => carried.push(pattern),
                Ok((bound, true)) => {
                    self.notes.push(format!(
                        "allow list: `{pattern}` is bound on its outer branches alone; taken as `{bound}`"
                    ));
                    carried.push(bound);
                }
                Err(why) => self.notes.push(format!("allow list: `{pattern}`: {why}")),
            }
        }
        // With one of several conditions lost, what is left would hide too much.
        let lost = all && carried.len() < regexes.len();
        if !lost && (!carried.is_empty() || !words.is_empty()) {
            let (words, rules) = (words.to_vec(), rules.to_vec());
            self.entries.push(Entry { target, regexes: carried, words, all, rules });
        }
    }

    fn filter(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        match filter::parse(text) {
            Filter::Any(branches) => branches.into_iter().for_each(|branch| self.branch(branch)),
            single => self.branch(single),
        }
    }

    fn branch(&mut self, branch: Filter) {
        match branch {
            Filter::Any(branches) => branches.into_iter().for_each(|branch| self.branch(branch)),
            Filter::Entropy(limit) => self.min_entropy = self.min_entropy.max(limit),
            Filter::Contains(target, words) => self.entry(target, &[], &words, false, &[]),
            Filter::Matches(target, regexes) => self.entry(target, &regexes, &[], false, &[]),
            Filter::All(branches) => match branches.as_slice() {
                // One target for both: expressions and words of one entry.
                [Filter::Matches(one, regexes), Filter::Contains(other, words)]
                | [Filter::Contains(other, words), Filter::Matches(one, regexes)]
                    if one == other && regexes.len() == 1 && words.len() == 1 =>
                {
                    self.entry(*one, regexes, words, true, &[]);
                }
                _ => self.notes.push("filter: several conditions that must hold together".to_owned()),
            },
            Filter::Unknown(words) => {
                self.notes.push(format!("filter: `{}`", words.chars().take(80).collect::<String>()))
            }
        }
    }
}

impl Foreign {
    /// The rule in our form; `Err` says why it has none.
    fn write(&self, everywhere: &Allowed, notes: &mut Vec<String>) -> Result<String, String> {
        let Some(pattern) = &self.regex else { return Err("it looks at the names of files".to_owned()) };
        if self.path.is_some() {
            notes.push("`path`: traffic has no files; it looks at everything".to_owned());
        }
        if self.prefilter.is_some() {
            notes.push("`prefilter` looks at paths and commits".to_owned());
        }
        if self.validate.is_some() {
            notes.push("`validate`: plainsight is passive and tries no secret".to_owned());
        }
        if self.skip_report {
            notes.push("`skipReport`: findings of this helper are reported".to_owned());
        }
        let carried = regex::carry(pattern, self.secret_group).map_err(|why| format!("its expression: {why}"))?;
        if carried.groups > 1 && self.secret_group == 0 {
            notes.push("of its groups the first is taken as the secret".to_owned());
        }
        let keywords = self.keywords(&carried.pattern, notes)?;
        let written = carried.pattern.to_ascii_lowercase();
        let inside = keywords.iter().all(|keyword| written.contains(&regex_syntax::escape(keyword)));
        let longest = regex::longest(&carried.pattern);
        if longest.is_none_or(|longest| longest > LONGEST) {
            notes.push(format!("matches are cut at {LONGEST} bytes"));
        }
        let longest = longest.unwrap_or(LONGEST).min(LONGEST);
        let mut allowed = Allowed::default();
        for list in self.allowlists.iter().chain(&self.allowlist) {
            allowed.list(list);
        }
        allowed.filter(self.filter.as_deref());
        notes.append(&mut allowed.notes);
        let global = everywhere.entries.iter().filter(|e| e.rules.is_empty() || e.rules.contains(&self.id));
        allowed.entries.extend(global.cloned());
        let entropy = self.entropy.max(allowed.min_entropy).max(everywhere.min_entropy);

        let id = plain(&self.id);
        let first = self.description.split(". ").next().unwrap_or_default().trim_end_matches('.');
        let title = if first.is_empty() { &self.id } else { first };
        let description = if self.description.is_empty() { &self.id } else { &self.description };
        let mut out = String::from("[[rule]]\n");
        let mut key = |name: &str, value: Value| _ = writeln!(out, "{name} = {value}");
        key("id", format!("gitleaks.{id}").into());
        key("title", title.chars().take(100).collect::<String>().into());
        key("kind", format!("secret.{}", id.replace(['-', '.', '+'], "_")).into());
        key(
            "confidence",
            self.confidence.as_deref().filter(|c| ["high", "medium", "low"].contains(c)).unwrap_or("medium").into(),
        );
        if let Some(rank) = self.specificity.as_ref().and_then(Value::as_integer) {
            // Ours stand at 60; theirs are told apart below it.
            key("rank", (45 + rank.clamp(0, 14)).into());
        }
        key("description", description.clone().into());
        key("regex", carried.pattern.clone().into());
        key("keywords", strings(&keywords));
        if !carried.pattern.contains("(?i") {
            key("any_case", true.into());
        }
        if !inside {
            key("around", true.into());
        }
        key("before", Value::Integer(longest.min(BEFORE) as i64));
        key("after", Value::Integer(longest as i64));
        key("boundary", if carried.guarded { "token" } else { "none" }.into());
        if entropy > 0.0 {
            key("min_entropy", entropy.into());
        }
        match self.required.iter().chain(&self.components).collect::<Vec<_>>().as_slice() {
            [] => {}
            [partner] => {
                key("near", strings(&[format!("secret.{}", plain(&partner.id).replace(['-', '.', '+'], "_"))]));
                notes.push("how near its partner must be: within 400 bytes".to_owned());
            }
            _ => notes.push("that all of several partners must be near".to_owned()),
        }
        if !allowed.entries.is_empty() {
            let entries: Vec<String> = allowed.entries.iter().map(Entry::write).collect();
            let _ = writeln!(out, "allow = [\n    {},\n]", entries.join(",\n    "));
        }
        Ok(out)
    }

    /// Literals that lead to the rule: its own, or where they are too short those that its matches begin
    /// with, or have inside.
    fn keywords(&self, pattern: &str, notes: &mut Vec<String>) -> Result<Vec<String>, String> {
        let own: Vec<String> = self.keywords.iter().map(|keyword| keyword.to_ascii_lowercase()).collect();
        if !own.is_empty() && own.iter().all(|keyword| telling(keyword)) {
            return Ok(own);
        }
        // `A3T[A-Z0-9]`: a letter more makes a literal long enough, at the price of many literals.
        let attempts = [(8, 2048), (36, 64), (64, 96), (22, 512)];
        for (class, total) in attempts {
            let beginnings = regex::beginnings(pattern, class, total);
            // `s.a`, `s.b` … would lead to every method of a program.
            let good = |keyword: &String| telling(keyword) && (beginnings.len() < MANY || keyword.len() > 3);
            if !beginnings.is_empty() && beginnings.iter().all(good) {
                return Ok(beginnings);
            }
        }
        let inside = regex::inside(pattern, telling);
        if !inside.is_empty() {
            return Ok(inside);
        }
        let (own, short): (Vec<_>, Vec<_>) = own.into_iter().partition(|keyword| telling(keyword));
        let short = short.join("`, `");
        if !own.is_empty() {
            notes.push(format!("what has no keyword but `{short}`: too short to look for in traffic"));
            return Ok(own);
        }
        Err(match short.as_str() {
            "" => "it has no keywords, and its expression begins with nothing that could be one".to_owned(),
            _ => format!("its keyword `{short}` is too short to look for in traffic"),
        })
    }
}

impl Entry {
    fn write(&self) -> String {
        let mut parts = Vec::new();
        if self.target != Target::Secret {
            parts.push(format!("target = \"{}\"", self.target.name()));
        }
        if !self.regexes.is_empty() {
            parts.push(format!("regexes = {}", strings(&self.regexes)));
        }
        if !self.words.is_empty() {
            parts.push(format!("words = {}", strings(&self.words)));
        }
        if self.all {
            parts.push("all = true".to_owned());
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

fn strings(list: &[String]) -> Value {
    Value::Array(list.iter().map(|item| Value::String(item.clone())).collect())
}

/// An id in the letters ours are made of.
fn plain(id: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+') { c } else { '-' };
    id.chars().map(|c| letter(c.to_ascii_lowercase())).collect()
}

/// Literals that are one with something more.
const MANY: usize = 16;

#[cfg(test)]
mod tests;
