//! The literals of SQL statements, named by the column they go into or are compared with, by the
//! table where no columns are listed, or as the password of an account. Works on statements of any dialect that are cut anywhere.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::{at, forward, prior};
use super::grant::Grant;
use super::{Hit, NamedAt, Scan, Scratch, account, escapes};
use crate::model::event::Format;
use crate::rules::engine::Matcher;
use crate::rules::guard::Situation;
use crate::rules::names::Reading;
use crate::rules::schema::Place;

/// Literals of one text that are named: a bulk insert shows what it is by its first rows.
const LITERALS: usize = 8192;

/// A literal and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Literal {
    pub(super) value: Range<usize>,
    pub(super) name: Range<usize>,
    /// Literals of one row, or of one statement but for its rows, have the same.
    record: usize,
    /// It is the new password of an account: perhaps this one's.
    grant: Option<Option<Range<usize>>>,
}

impl Literal {
    /// A cell of a table: no statement, but named from afar as the literals of one are.
    pub(super) const fn cell(value: Range<usize>, name: Range<usize>, row: usize) -> Self {
        Self { value, name, record: row, grant: None }
    }
}

/// What the rules call the password of an account in the statements that make and change accounts,
/// whatever the dialect.
const GRANTED: &str = "identified by";

/// Literals before and after a password among which its account is looked for.
const BESIDE: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Range<usize>),
    /// In double quotes, backticks or brackets: an identifier, or in MySQL a string.
    Quoted(Range<usize>),
    Text(Range<usize>),
    Number(Range<usize>),
    Mark(u8),
}

impl Token {
    const fn name(&self) -> Option<&Range<usize>> {
        match self {
            Self::Word(range) | Self::Quoted(range) => Some(range),
            _ => None,
        }
    }

    const fn value(&self) -> Option<&Range<usize>> {
        match self {
            Self::Text(range) | Self::Number(range) | Self::Quoted(range) => Some(range),
            _ => None,
        }
    }
}

/// The named literals of a text, in order.
pub(super) fn literals(text: &[u8]) -> Vec<Literal> {
    let is = |token: Option<&Token>, word: &str| match token {
        Some(Token::Word(range)) => text.get(range.clone()).is_some_and(|w| w.eq_ignore_ascii_case(word.as_bytes())),
        _ => false,
    };
    let mut found = Vec::new();
    let mut reader = Reader { text, at: 0, record: 0 };
    let mut grant = Grant::default();
    let mut table: Option<Range<usize>> = None;
    let mut columns: Vec<Range<usize>> = Vec::new();
    let mut list: Option<Vec<Range<usize>>> = None;
    let mut compared: Option<Range<usize>> = None;
    // `IN ('a', 'b')`: the name is for all of the list.
    let mut several = false;
    // `SELECT 'a' AS name`: the value comes first.
    let mut unnamed: Option<Range<usize>> = None;
    let mut before: Option<Token> = None;
    while found.len() < LITERALS {
        let Some(token) = reader.token() else { break };
        if list.is_none() && (is(Some(&token), "values") || is(Some(&token), "value")) {
            reader.tuples(&columns, table.as_ref(), &mut found);
            list = None;
        } else if is(before.as_ref(), "into")
            || (matches!(before, Some(Token::Mark(b'.'))) && table.is_some() && list.is_none())
        {
            table = token.name().cloned();
            columns.clear();
        }
        if let Some(name) = grant.token(text, &token) {
            if let Token::Text(value) | Token::Quoted(value) | Token::Word(value) = &token {
                // Without quotation marks it ends where the statement goes on.
                let goes_on = |b: u8| b.is_ascii_graphic() && !matches!(b, b';' | b',' | b')' | b'\'' | b'"');
                let bare = matches!(token, Token::Word(_));
                let end = if bare { forward(text, value.end, 128, goes_on) } else { value.end };
                reader.at = reader.at.max(end);
                let (value, account) = (value.start..end, grant.account());
                found.push(Literal { value, name, record: reader.record, grant: Some(account) });
            }
            compared = None;
            before = Some(token);
            continue;
        }
        unnamed = match &token {
            Token::Text(value) | Token::Number(value) => Some(value.clone()),
            Token::Word(name) | Token::Quoted(name) if is(before.as_ref(), "as") => {
                found.extend(unnamed.map(|value| reader.literal(&value, name)));
                None
            }
            Token::Word(_) if is(Some(&token), "as") => unnamed,
            _ => None,
        };
        match &token {
            Token::Mark(b'(') => list = Some(Vec::new()),
            Token::Mark(b')') => {
                columns = list.take().unwrap_or_default();
                if std::mem::take(&mut several) {
                    compared = None;
                }
            }
            Token::Mark(b'=' | b'<' | b'>' | b'!') => {
                if let Some(name) = before.as_ref().and_then(Token::name) {
                    compared = Some(name.clone());
                }
            }
            Token::Text(value) | Token::Number(value) => {
                if let Some(name) = &compared {
                    found.push(reader.literal(value, name));
                }
                compared = compared.filter(|_| several);
            }
            Token::Quoted(value) if compared.is_some() && matches!(before, Some(Token::Mark(b'='))) => {
                if let Some(name) = compared.take() {
                    found.push(reader.literal(value, &name));
                }
            }
            Token::Word(name) | Token::Quoted(name) => {
                if let Some(list) = &mut list {
                    list.push(name.clone());
                }
                several = is(Some(&token), "in");
                if several || is(Some(&token), "like") || is(Some(&token), "ilike") {
                    compared = before.as_ref().and_then(Token::name).cloned();
                } else if text
                    .get(name.clone())
                    .is_some_and(|word| !word.eq_ignore_ascii_case(b"n") && !word.eq_ignore_ascii_case(b"e"))
                    // `password = md5('x')`
                    && !(matches!(token, Token::Word(_)) && reader.calls())
                {
                    compared = None;
                }
            }
            Token::Mark(b';') => {
                (table, compared, list) = (None, None, None);
                reader.record += 1;
            }
            Token::Mark(_) => {}
        }
        before = Some(token);
    }
    settings(text, &mut found);
    found
}

/// The rows of a table of settings name their values themselves: `(name, value) VALUES ('smtp_password', 'x')`.
fn settings(text: &[u8], literals: &mut [Literal]) {
    let ends = |range: &Range<usize>, words: &[&[u8]]| {
        let name = text.get(range.clone()).unwrap_or_default();
        words.iter().any(|word| {
            let start = name.len().checked_sub(word.len());
            start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
        })
    };
    for row in literals.chunk_by_mut(|a, b| a.record == b.record) {
        let mut keys = row.iter().filter(|literal| ends(&literal.name, &[b"name", b"key", b"setting", b"option"]));
        let (Some(key), None) = (keys.next().map(|key| key.value.clone()), keys.next()) else { continue };
        for literal in row.iter_mut().filter(|literal| literal.value != key && ends(&literal.name, &[b"value", b"val"]))
        {
            literal.name = key.clone();
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    record: usize,
}

impl Reader<'_> {
    fn literal(&self, value: &Range<usize>, name: &Range<usize>) -> Literal {
        Literal { value: value.clone(), name: name.clone(), record: self.record, grant: None }
    }

    /// `(1, 'a'), (2, 'b')` after `VALUES`.
    fn tuples(&mut self, columns: &[Range<usize>], table: Option<&Range<usize>>, found: &mut Vec<Literal>) {
        let mut depth = 0u32;
        let mut column = 0;
        while found.len() < LITERALS {
            let start = self.at;
            let Some(token) = self.token() else { return };
            match (&token, depth) {
                (Token::Mark(b'('), _) => {
                    if depth == 0 {
                        column = 0;
                        self.record += 1;
                    }
                    depth += 1;
                }
                (Token::Mark(b')'), _) => depth = depth.saturating_sub(1),
                (Token::Mark(b','), 1) => column += 1,
                // `crypt('x', gen_salt('bf'))`: what stands deeper is not what is stored.
                (Token::Mark(b','), _) | (_, 3..) => {}
                (_, 0) => {
                    self.at = start;
                    self.record += 1;
                    return;
                }
                _ => {
                    let name = columns.get(column).or_else(|| table.filter(|_| columns.is_empty()));
                    if let (Some(value), Some(name)) = (token.value(), name) {
                        found.push(self.literal(value, name));
                    }
                }
            }
        }
    }

    /// Whether the word that was read last is called as a function.
    fn calls(&self) -> bool {
        at(self.text, forward(self.text, self.at, 4, |b| b == b' ')) == b'('
    }

    fn token(&mut self) -> Option<Token> {
        loop {
            let start = self.at;
            let byte = *self.text.get(start)?;
            let next = at(self.text, start + 1);
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | 0 => self.at += 1,
                b'-' if next == b'-' => self.at = forward(self.text, start, usize::MAX, |b| b != b'\n'),
                b'/' if next == b'*' => {
                    let rest = self.text.get(start..)?;
                    self.at = start + memchr::memmem::find(rest, b"*/")? + 2;
                }
                b'\'' => return self.quoted(b'\'').map(Token::Text),
                b'"' | b'`' => return self.quoted(byte).map(Token::Quoted),
                b'[' => return self.quoted(b']').map(Token::Quoted),
                b'0'..=b'9' => {
                    self.at = forward(self.text, start, 64, |b| b.is_ascii_alphanumeric() || b == b'.');
                    return Some(Token::Number(start..self.at));
                }
                b'$' if let Some(inside) = self.dollar() => return Some(Token::Text(inside)),
                // `EXEC p @Password = 'x'`: an argument with its name.
                b'@' if word(next) && self.named(start + 1) => {
                    self.at = forward(self.text, start + 1, 128, word);
                    return Some(Token::Word(start + 1..self.at));
                }
                b':' if next == b'=' => {
                    self.at += 2;
                    return Some(Token::Mark(b'='));
                }
                // `$1`, `:name`, `@p1`: a parameter, whose value comes apart from the statement.
                b'$' | b':' | b'@' if word(next) => {
                    self.at = forward(self.text, start + 1, 128, word);
                    return Some(Token::Mark(byte));
                }
                _ if word(byte) => {
                    self.at = forward(self.text, start, 128, word);
                    return Some(Token::Word(start..self.at));
                }
                _ => {
                    self.at += 1;
                    return Some(Token::Mark(byte));
                }
            }
        }
    }

    /// Whether a value is given to the argument whose name begins at `start`.
    fn named(&self, start: usize) -> bool {
        let end = forward(self.text, start, 128, word);
        let mark = forward(self.text, end, 4, |b| b == b' ');
        at(self.text, mark + usize::from(at(self.text, mark) == b':')) == b'='
    }

    /// The inside of `$$…$$` or `$tag$…$tag$`.
    fn dollar(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let tag = forward(self.text, start + 1, 64, word);
        if at(self.text, tag) != b'$' || at(self.text, start + 1).is_ascii_digit() {
            return None;
        }
        let tag = self.text.get(start..=tag)?;
        let first = start + tag.len();
        let end = first + memchr::memmem::find(self.text.get(first..)?, tag)?;
        self.at = end + tag.len();
        Some(first..end)
    }

    /// What stands between here and the closing mark; a doubled mark and one after a backslash are
    /// part of it.
    fn quoted(&mut self, close: u8) -> Option<Range<usize>> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            match *self.text.get(end)? {
                b'\\' if close == b'\'' && at(self.text, end + 1) == close => end += 2,
                byte if byte == close && at(self.text, end + 1) == close && close != b']' => end += 2,
                byte if byte == close => break,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        Some(start..end)
    }
}

const fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Matcher {
    /// The literals with a telling name.
    pub(super) fn statements(&self, scan: &Scan<'_>, literals: &[Literal], scratch: &mut Scratch) {
        // The cells of a page are data, like those of CSV.
        let place = if scan.format == Format::Sql { Place::Sql } else { Place::Column };
        let situation = Situation { direction: scan.direction, format: Some(scan.format), place, delimited: true };
        let at = NamedAt { situation, protocol: scan.protocol, at: scan.at };
        for (n, literal) in literals.iter().enumerate().filter(|(_, literal)| literal.value.end > scan.seen) {
            let (Some(name), Some(raw)) = (scan.text.get(literal.name.clone()), scan.text.get(literal.value.clone()))
            else {
                continue;
            };
            let granted = literal.grant.is_some();
            let roles = self.meaning(if granted { GRANTED.as_bytes() } else { name }, Reading::Key);
            if roles.is_empty() {
                continue;
            }
            let value = match scan.format {
                Format::Html => escapes::decoded(raw, Place::Xml, scan.format),
                _ => plain(raw, prior(scan.text, literal.value.start)),
            };
            if let Some(hit) = self.named(&roles, &value, &at) {
                let secret = value.get(hit.range.clone()).unwrap_or_default();
                let value = (secret != raw).then(|| secret.to_vec());
                let name = super::keyword::shown(scan.text, literal.name.clone());
                let account = self.is_credential(hit.rule).then(|| self.owner(scan.text, literals, n)).flatten();
                scratch.keep(Hit { range: literal.value.clone(), value, name, account, ..hit });
            }
        }
    }

    /// The account that a password belongs to, by its place among the literals.
    fn owner(&self, text: &[u8], literals: &[Literal], own: usize) -> Option<Vec<u8>> {
        let password = literals.get(own)?;
        let value = |range: &Range<usize>| {
            let raw = text.get(range.clone())?;
            account::name(plain(raw, prior(text, range.start)))
        };
        if let Some(granted) = &password.grant {
            return value(granted.as_ref()?);
        }
        let near = literals.iter().enumerate().skip(own.saturating_sub(BESIDE)).take(2 * BESIDE);
        let ranked = near.filter(|(n, other)| *n != own && other.record == password.record).filter_map(|(n, other)| {
            let name = String::from_utf8_lossy(text.get(other.name.clone())?);
            Some((self.compiled.accounts.rank(&name)?, n.abs_diff(own), &other.value))
        });
        ranked.min_by_key(|(rank, distance, _)| (*rank, *distance)).and_then(|(.., range)| value(range))
    }
}

/// The value of a literal without its doubled and escaped quotation marks.
fn plain(raw: &[u8], mark: u8) -> Cow<'_, [u8]> {
    if !matches!(mark, b'\'' | b'"' | b'`') || !raw.contains(&mark) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut skipped = false;
    for (n, byte) in raw.iter().enumerate() {
        let doubles = !skipped && at(raw, n + 1) == mark && (*byte == mark || *byte == b'\\');
        if !doubles {
            out.push(*byte);
        }
        skipped = doubles;
    }
    Cow::Owned(out)
}

/// The cells of a table with their names, for tests; of every part of the text, too, which may not panic.
#[cfg(test)]
pub(super) fn named(text: &str, cells: impl Fn(&[u8]) -> Vec<Literal>) -> Vec<String> {
    for cut in 0..text.len() {
        let _ = (cells(&text.as_bytes()[..cut]), cells(&text.as_bytes()[cut..]));
    }
    let shown = |cell: &Literal| format!("{}={}", &text[cell.name.clone()], &text[cell.value.clone()]);
    cells(text.as_bytes()).iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let of = |range: Range<usize>| text[range].to_owned();
        literals(text.as_bytes()).into_iter().map(|l| (of(l.name), of(l.value))).collect()
    }

    fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_literal_has_the_name_of_its_column() {
        for (text, named) in [
            (
                "INSERT INTO t (a, `b`) VALUES ('x', 'it''s'), (1, md5('y'))",
                vec![("a", "x"), ("b", "it''s"), ("a", "1"), ("b", "y")],
            ),
            ("INSERT INTO dbo.Cards VALUES (N'4111')", vec![("Cards", "4111")]),
            ("INSERT INTO t (a) VALUES (crypt('x', gen_salt('bf')))", vec![("a", "x")]),
            ("ALTER USER a IDENTIFIED BY x-y7;", vec![("BY", "x-y7")]),
            ("UPDATE [u] SET [pw]=N'x', n = 3 WHERE id=7", vec![("pw", "x"), ("n", "3"), ("id", "7")]),
            ("SELECT * FROM t WHERE name LIKE 'a%' AND b <> 'c'", vec![("name", "a%"), ("b", "c")]),
            ("UPDATE t SET a = crypt('x', gen_salt('bf')), b = lower('y')", vec![("a", "x"), ("b", "y")]),
            ("EXEC login @name = N'a', @pass = N'x'", vec![("name", "a"), ("pass", "x")]),
            ("CALL f(@pass:='x')", vec![("pass", "x")]),
            ("UPDATE t SET a = $2, b = :b WHERE id = @p1", vec![]),
            ("SELECT 'x' -- a = 'b'", vec![]),
            ("SELECT 'x' AS a, N'y' AS [b] FROM dual", vec![("a", "x"), ("b", "y")]),
            ("SELECT n FROM t WHERE a IN ('x', 'y') AND 'z'", vec![("a", "x"), ("a", "y")]),
        ] {
            assert_eq!(pairs(text), expected(&named), "{text}");
        }
    }

    #[test]
    fn a_row_of_settings_names_its_value() {
        for (text, value) in [
            ("INSERT INTO o (option_name, option_value) VALUES ('smtp_password', 'x')", ("smtp_password", "x")),
            ("UPDATE config SET value = 'x', changed = 1 WHERE name = 'api_key'", ("api_key", "x")),
            ("INSERT INTO t (first_name, last_name, value) VALUES ('a', 'b', 'x')", ("value", "x")),
        ] {
            assert!(pairs(text).contains(&(value.0.to_owned(), value.1.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_password_of_an_account_has_the_account() {
        for (text, accounts) in [
            ("CREATE USER 'a'@'%' IDENTIFIED BY 'x', 'b' IDENTIFIED WITH p BY 'y'", vec![("a", "x"), ("b", "y")]),
            ("SET PASSWORD FOR 'a'@'%' = PASSWORD('x')", vec![("a", "x")]),
            ("GRANT ALL ON d.* TO a@localhost IDENTIFIED BY PASSWORD '*9F'", vec![("a", "*9F")]),
            ("ALTER ROLE \"a.b\" WITH LOGIN ENCRYPTED PASSWORD 'it''s' VALID UNTIL '2031'", vec![("a.b", "it''s")]),
            ("create user if not exists a password $p$x$y$p$", vec![("a", "x$y")]),
            ("ALTER LOGIN [sa] WITH PASSWORD = N'x'", vec![("sa", "x")]),
            ("CREATE USER scott IDENTIFIED BY tiger QUOTA 5M ON users", vec![("scott", "tiger")]),
            ("SET PASSWORD = 'x'; SET PASSWORD FOR 'a'@'%' = 'y'", vec![("", "x"), ("a", "y")]),
            ("CREATE USER MAPPING FOR b SERVER s OPTIONS (user 'a', password 'x')", vec![("a", "x")]),
            ("CREATE USER a PASSWORD NULL; SELECT 'x'", vec![]),
            ("CREATE TABLE user (password varchar(20) DEFAULT 'x')", vec![]),
            ("CREATE USER a IDENTIFIED BY ?", vec![]),
        ] {
            let named: Vec<(&str, &str)> = literals(text.as_bytes())
                .into_iter()
                .filter_map(|l| Some((l.grant?.map_or("", |account| &text[account]), &text[l.value])))
                .collect();
            assert_eq!(named, accounts, "{text}");
        }
        assert_eq!(*plain(br"it''s \'x\'", b'\''), *b"it's 'x'");
    }

    #[test]
    fn a_statement_cut_anywhere_is_no_trouble() {
        let text = b"INSERT INTO t (a, \"b\") VALUES ('x', 'y'); UPDATE t SET a='z' /* c */ WHERE [d] = 1";
        for end in 0..text.len() {
            for start in 0..end {
                let _ = literals(&text[start..end]);
            }
        }
    }
}
