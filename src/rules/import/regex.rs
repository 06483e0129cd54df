//! Go's expressions (RE2) as ours: bytes, without Unicode classes, one group with the name `secret`.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind};

/// An expression in our form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) pattern: String,
    /// It ended in a guard for what may follow a secret, which was taken off.
    pub(super) guarded: bool,
    /// How many groups it had.
    pub(super) groups: usize,
}

/// Carries an expression over. `secret` is the number of the group that holds the secret; 0 for the
/// first there is.
pub(super) fn carry(pattern: &str, secret: usize) -> Result<Carried, String> {
    let (pattern, guarded) = match without_guard(pattern) {
        Some(shorter) => (shorter, true),
        None => (pattern, false),
    };
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut groups = 0;
    let mut class = Class::Outside;
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        if letter == '\\' {
            rest = escape(after, &mut out)?;
            class = class.inside();
            continue;
        }
        rest = after;
        match class {
            Class::Outside => match letter {
                '[' => {
                    out.push('[');
                    class = Class::Opened;
                }
                '(' if !rest.starts_with('?') || rest.starts_with("?P<") || rest.starts_with("?<") => {
                    groups += 1;
                    out.push_str(if groups == secret.max(1) { "(?P<secret>" } else { "(?:" });
                    if rest.starts_with('?') {
                        rest = rest.split_once('>').map_or("", |(_, rest)| rest);
                    }
                }
                '{' if !repeats(rest) => out.push_str("\\{"),
                _ => out.push(letter),
            },
            Class::Opened | Class::Inside(_) => {
                let first = matches!(class, Class::Opened);
                match letter {
                    '^' if first => {
                        out.push('^');
                        continue;
                    }
                    ']' if !first => {
                        out.push(']');
                        class = Class::Outside;
                        continue;
                    }
                    '[' if rest.starts_with(':') => {
                        let end = rest.find(":]").map_or(rest.len(), |at| at + 2);
                        let (name, left) = rest.split_at_checked(end).unwrap_or((rest, ""));
                        out.push('[');
                        out.push_str(name);
                        rest = left;
                    }
                    '[' | ']' => out.extend(['\\', letter]),
                    '&' | '~' | '-' if class == Class::Inside(letter) => out.extend(['\\', letter]),
                    _ => out.push(letter),
                }
                class = Class::Inside(letter);
            }
        }
    }
    parse(&out)?;
    if secret > groups {
        return Err(format!("it has no group {secret}"));
    }
    Ok(Carried { pattern: out, guarded, groups })
}

/// An expression for values that are nobody's secret. `^a|b|c$` binds its ends to the outer branches
/// alone; what is meant is said with a group. Tells whether that was so.
pub(super) fn carry_allowed(pattern: &str) -> Result<(String, bool), String> {
    let carried = carry(pattern, usize::MAX).or_else(|reason| {
        // The number of groups is of no matter here.
        if reason.starts_with("it has no group") { plain(pattern) } else { Err(reason) }
    })?;
    let (flags, body) = match carried.pattern.strip_prefix("(?i)") {
        Some(body) => ("(?i)", body),
        None => ("", carried.pattern.as_str()),
    };
    let inner = body.strip_prefix('^').and_then(|inner| inner.strip_suffix('$'));
    let branches = |inner: &str| {
        let hir = parse(inner).ok()?;
        matches!(hir.kind(), HirKind::Alternation(_)).then_some(())
    };
    match inner {
        Some(inner) if !inner.contains(['^', '$', '(', '\\', '[']) && branches(inner).is_some() => {
            Ok((format!("{flags}^(?:{inner})$"), true))
        }
        _ => Ok((carried.pattern, false)),
    }
}

fn plain(pattern: &str) -> Result<Carried, String> {
    let groupless = carry(&format!("(?:{pattern})"), 0)?;
    let pattern = groupless.pattern.replace("(?P<secret>", "(?:");
    let inner = pattern.strip_prefix("(?:").and_then(|inner| inner.strip_suffix(')')).unwrap_or(&pattern);
    Ok(Carried { pattern: inner.to_owned(), ..groupless })
}

/// Longest match in bytes; `None` for one without a limit.
pub(super) fn longest(pattern: &str) -> Option<usize> {
    parse(pattern).ok()?.properties().maximum_len()
}

/// Literals one of which every match begins with, in lower case: at most `total` of them, with up to
/// `class` characters in one place.
pub(super) fn beginnings(pattern: &str, class: usize, total: usize) -> Vec<String> {
    parse(pattern).map_or_else(|_| Vec::new(), |hir| prefixes(&hir, class, total))
}

/// Literals one of which every match has inside, in lower case, from the first place where all of them are
/// `good`: `[a-z]{3}[0-9]Q~` has ten.
pub(super) fn inside(pattern: &str, good: fn(&str) -> bool) -> Vec<String> {
    const CLASS: usize = 10;
    const TOTAL: usize = 64;
    let Ok(hir) = parse(pattern) else { return Vec::new() };
    let mut parts = Vec::new();
    flatten(&hir, &mut parts);
    let rests = (1..parts.len()).filter_map(|n| parts.get(n..)).map(|rest| Hir::concat(rest.to_vec()));
    let literals = rests.map(|rest| prefixes(&rest, CLASS, TOTAL));
    literals.into_iter().find(|found| !found.is_empty() && found.iter().all(|l| good(l))).unwrap_or_default()
}

/// The parts that every match consists of, one after the other.
fn flatten(hir: &Hir, parts: &mut Vec<Hir>) {
    match hir.kind() {
        HirKind::Concat(inner) => inner.iter().for_each(|part| flatten(part, parts)),
        HirKind::Capture(group) => flatten(&group.sub, parts),
        _ => parts.push(hir.clone()),
    }
}

fn prefixes(hir: &Hir, class: usize, total: usize) -> Vec<String> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_class(class).limit_literal_len(8).limit_total(total);
    let sequence = extractor.extract(hir);
    let mut beginnings: Vec<String> = Vec::new();
    for literal in sequence.literals().unwrap_or_default() {
        let Ok(text) = std::str::from_utf8(literal.as_bytes()) else { return Vec::new() };
        let text = text.to_ascii_lowercase();
        if !beginnings.contains(&text) {
            beginnings.push(text);
        }
    }
    beginnings
}

fn parse(pattern: &str) -> Result<Hir, String> {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
    parsed.map_err(|e| match e {
        regex_syntax::Error::Parse(e) => e.kind().to_string(),
        regex_syntax::Error::Translate(e) => e.kind().to_string(),
        other => other.to_string(),
    })
}

/// Where in a class the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Outside,
    /// Right after `[` or `[^`.
    Opened,
    /// After this character.
    Inside(char),
}

impl Class {
    fn inside(self) -> Self {
        if self == Self::Outside { self } else { Self::Inside('\\') }
    }
}

/// What follows a backslash. Gives what is left.
fn escape<'a>(after: &'a str, out: &mut String) -> Result<&'a str, String> {
    let Some(letter) = after.chars().next() else { return Err("it ends in a backslash".to_owned()) };
    let rest = after.get(letter.len_utf8()..).unwrap_or_default();
    match letter {
        'Q' => {
            let (text, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            out.push_str(&regex_syntax::escape(text));
            return Ok(rest);
        }
        'p' | 'P' => return Err("it asks for classes of Unicode; expressions look at bytes".to_owned()),
        'C' => return Err("`\\C` is not supported".to_owned()),
        // Go: the sign itself; here: the edge of a word.
        '<' | '>' => out.push(letter),
        _ => out.extend(['\\', letter]),
    }
    Ok(rest)
}

/// Whether an opening brace before `rest` begins a repetition.
fn repeats(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    !least.is_empty() && least.bytes().chain(most.bytes()).all(|b| b.is_ascii_digit())
}

/// The expression without the group at its end that asks for a quote, a blank, a semicolon or the end
/// of the text: it refuses what follows a secret on the wire (`&`, `<`, `,`, `%26`).
fn without_guard(pattern: &str) -> Option<&str> {
    let open = pattern.strip_suffix("|$)").and_then(|head| head.rfind("(?:"))?;
    let (head, guard) = pattern.split_at_checked(open)?;
    let inside = guard.strip_prefix("(?:")?.strip_suffix("|$)")?;
    let signs = inside.replace("\\x60", "").replace("[nr]", "");
    let only =
        signs.chars().all(|c| matches!(c, '[' | ']' | '\\' | '\'' | '"' | '|' | ';' | '?' | '`' | 's' | 'n' | 'r'));
    (only && inside.contains(['\'', '"'])).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(pattern: &str) -> String {
        carry(pattern, 0).unwrap().pattern
    }

    #[test]
    fn the_guard_behind_a_secret_is_taken_off() {
        for guard in
            [r#"(?:[\x60'"\s;]|\\[nr]|$)"#, r#"(?:\\?['"\x60]|[\s;]|\\[nr]|$)"#, r#"(?:['|\"|\n|\r|\s|\x60|;]|$)"#]
        {
            let found = carry(&format!(r"\b(ab-[a-z0-9]{{8}}){guard}"), 0).unwrap();
            assert_eq!((found.pattern.as_str(), found.guarded), (r"\b(?P<secret>ab-[a-z0-9]{8})", true), "{guard}");
        }
        assert!(!carry("(?:abc|$)", 0).unwrap().guarded);
    }

    #[test]
    fn what_go_reads_differently_is_written_out() {
        assert_eq!(carried(r"\Qa.b\E+"), r"a\.b+");
        assert_eq!(carried(r"\${x}"), r"\$\{x}");
        assert_eq!(carried(r"[[a-z]{2}"), r"[\[a-z]{2}");
        assert_eq!(carried(r"[[:alnum:]_]{1,}"), r"[[:alnum:]_]{1,}");
        assert_eq!(carried(r"\<x\>"), "<x>");
        assert_eq!(carried("[]a]"), r"[\]a]");
        assert_eq!(carry(r"a(?P<name>b)(c)", 2).unwrap().pattern, "a(?:b)(?P<secret>c)");
        assert!(carry(r"\pL+", 0).is_err());
        assert!(carry("a(b)", 2).is_err());
    }

    #[test]
    fn ends_of_an_alternation_are_bound_to_all_of_it() {
        assert_eq!(carry_allowed("(?i)^true|false|null$"), Ok(("(?i)^(?:true|false|null)$".to_owned(), true)));
        assert_eq!(carry_allowed("^a+$"), Ok(("^a+$".to_owned(), false)));
    }

    #[test]
    fn an_expression_tells_how_its_matches_begin_and_how_long_they_are() {
        assert!(beginnings(r"\bsk-proj-[a-z]{4}", 8, 2048).iter().all(|b| b.starts_with("sk-proj")));
        assert_eq!(beginnings(r"[a-z]+x", 8, 2048), Vec::<String>::new());
        // A class that is too wide for the first attempt makes the literal longer in the second.
        let wide = r"\b(?:ANV[A-Z0-9]|ACME|ASTO)[A-Z2-7]{16}\b";
        assert!(beginnings(wide, 8, 2048).contains(&"anv".to_owned()));
        let longer = beginnings(wide, 36, 64);
        assert!(longer.len() == 38 && longer.iter().all(|b| b.len() == 4), "{longer:?}");
        let telling = |literal: &str| literal.len() > 2;
        assert_eq!(inside(r"([a-z]{3}[01]Q~[a-z]{3,9})", telling), ["0q~", "1q~"]);
        assert_eq!(inside("[a-z]{3}x[a-z]+", telling), Vec::<String>::new());
        assert_eq!((longest("ab{2,9}"), longest("a+")), (Some(10), None));
    }
}
