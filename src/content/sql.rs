//! Reads as much of a SQL statement as tells what its parameters and its bulk data mean: which column
//! `$2` or the third `?` goes into or is compared with, and the columns of a `COPY` or `LOAD DATA`.
//! A tokenizer and a few patterns, no grammar: what is not understood is left without a name.

/// A word of a statement, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A keyword or a bare identifier.
    Word(&'a [u8]),
    /// A quoted identifier without its quotes; doubled quotes inside are as written.
    Quoted(&'a [u8]),
    /// A string literal without its quotes; escapes inside are as written.
    Text(&'a [u8]),
    /// A numeric literal.
    Number(&'a [u8]),
    /// `$n` (from 1), or `?`.
    Parameter(Option<u32>),
    /// Any other character.
    Mark(u8),
}

impl<'a> Token<'a> {
    fn is(self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    fn identifier(self) -> Option<&'a [u8]> {
        match self {
            Self::Word(name) | Self::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// How a dialect writes what it quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Backticks for identifiers, either quote for strings, backslash escapes, `?` parameters.
    MySql,
    /// Double quotes for identifiers, `E''` and dollar-quoted strings, `$n` parameters.
    PostgreSql,
}

/// The tokens of a statement, without white space and comments.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    rest: &'a [u8],
    dialect: Dialect,
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning.
    pub const fn new(statement: &'a [u8], dialect: Dialect) -> Self {
        Self { rest: statement, dialect }
    }

    fn advance(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|b| !belongs(*b)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    /// Passes over everything up to and with `end`.
    fn past(&mut self, end: &[u8]) -> &'a [u8] {
        let found = memchr::memmem::find(self.rest, end);
        let before = self.advance(found.unwrap_or(self.rest.len()));
        self.advance(end.len());
        before
    }

    /// The inside of a quoted string, whose opening quote was passed.
    fn quoted(&mut self, quote: u8, backslash: bool) -> &'a [u8] {
        let inside = self.rest;
        let mut length = 0;
        while let Some(byte) = inside.get(length) {
            match *byte {
                b'\\' if backslash => length += 2,
                byte if byte == quote && inside.get(length + 1) == Some(&quote) => length += 2,
                byte if byte == quote => break,
                _ => length += 1,
            }
        }
        let text = self.advance(length);
        self.advance(1);
        text
    }

    fn dollar(&mut self) -> Token<'a> {
        let after = self.rest.get(1..).unwrap_or_default();
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 {
            let number = self.advance(1 + digits).get(1..).unwrap_or_default();
            return Token::Parameter(std::str::from_utf8(number).ok().and_then(|n| n.parse().ok()));
        }
        let tag = after.iter().take_while(|b| is_word(**b)).count();
        if self.dialect == Dialect::PostgreSql && after.get(tag) == Some(&b'$') {
            let tag = self.advance(tag + 2);
            return Token::Text(self.past(tag));
        }
        self.advance(1);
        Token::Mark(b'$')
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let mysql = self.dialect == Dialect::MySql;
        loop {
            self.run(|b| b.is_ascii_whitespace() || b == 0);
            match *self.rest {
                [b'-', b'-', ..] => drop(self.past(b"\n")),
                [b'#', ..] if mysql => drop(self.past(b"\n")),
                [b'/', b'*', ..] => drop(self.past(b"*/")),
                _ => break,
            }
        }
        Some(match *self.rest.first()? {
            b'\'' => {
                self.advance(1);
                Token::Text(self.quoted(b'\'', mysql))
            }
            b'"' => {
                self.advance(1);
                let inside = self.quoted(b'"', mysql);
                if mysql { Token::Text(inside) } else { Token::Quoted(inside) }
            }
            b'`' => {
                self.advance(1);
                Token::Quoted(self.quoted(b'`', false))
            }
            b'$' => self.dollar(),
            b'?' if mysql => {
                self.advance(1);
                Token::Parameter(None)
            }
            b'e' | b'E' if !mysql && self.rest.get(1) == Some(&b'\'') => {
                self.advance(2);
                Token::Text(self.quoted(b'\'', true))
            }
            byte if byte.is_ascii_digit() => Token::Number(self.run(|b| b.is_ascii_alphanumeric() || b == b'.')),
            byte if is_word(byte) => Token::Word(self.run(|b| is_word(b) || b == b'$')),
            byte => {
                self.advance(1);
                Token::Mark(byte)
            }
        })
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// More parameters of one statement than this are not named: a row of a bulk insert has as many names
/// as the others, and drivers split long before.
const PARAMETERS: usize = 16 << 10;

/// What the parameters of a statement stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The table of an `INSERT`, `UPDATE`, `DELETE` or `SELECT`. May be empty.
    pub table: String,
    names: Vec<String>,
    /// For each parameter, from the first, 1 + its index into `names`; 0 for one without a name.
    which: Vec<u16>,
}

impl Parameters {
    /// Those of a statement that was not seen.
    pub const fn none() -> Self {
        Self { table: String::new(), names: Vec::new(), which: Vec::new() }
    }

    /// Reads a statement.
    pub fn of(statement: &[u8], dialect: Dialect) -> Self {
        let mut reader = Reader { tokens: Tokens::new(statement, dialect), ahead: None, found: Self::default() };
        reader.statement();
        reader.found
    }

    /// The column that a parameter (0 is the first) goes into or is compared with. Empty if unknown.
    pub fn name(&self, index: usize) -> &str {
        let which = self.which.get(index).copied().unwrap_or(0);
        usize::from(which).checked_sub(1).and_then(|n| self.names.get(n)).map_or("", String::as_str)
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.which.len()
    }

    fn set(&mut self, number: Option<u32>, name: Option<&[u8]>) {
        let index = number.map_or(self.which.len(), |n| (n as usize).saturating_sub(1));
        if index >= PARAMETERS {
            return;
        }
        if self.which.len() <= index {
            self.which.resize(index + 1, 0);
        }
        let Some(name) = name else { return };
        let name = readable(name);
        let known = self.names.iter().position(|n| *n == name);
        let which = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        if let (Some(slot), Ok(which)) = (self.which.get_mut(index), u16::try_from(which + 1))
            && *slot == 0
        {
            *slot = which;
        }
    }
}

fn readable(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    ahead: Option<Token<'a>>,
    found: Parameters,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.ahead.take().or_else(|| self.tokens.next())
    }

    fn peek(&mut self) -> Option<Token<'a>> {
        if self.ahead.is_none() {
            self.ahead = self.tokens.next();
        }
        self.ahead
    }

    /// `INSERT` lists are followed to their end; everything else is read as comparisons.
    fn statement(&mut self) {
        let mut compared = Comparison::default();
        while let Some(token) = self.next() {
            let update = token.is("update") && self.found.table.is_empty();
            if update || token.is("into") || token.is("from") || token.is("join") {
                self.table();
                if token.is("into") && self.peek() == Some(Token::Mark(b'(')) {
                    self.insert();
                }
                compared = Comparison::default();
                continue;
            }
            let call = self.peek() == Some(Token::Mark(b'('));
            compared.token(token, call, &mut self.found);
        }
    }

    /// The last part of a table's name; the first table of the statement counts.
    fn table(&mut self) {
        let mut name = None;
        while let Some(part) = self.peek().and_then(Token::identifier) {
            name = Some(part);
            self.ahead = None;
            if self.peek() != Some(Token::Mark(b'.')) {
                break;
            }
            self.ahead = None;
        }
        if let (true, Some(name)) = (self.found.table.is_empty(), name) {
            self.found.table = readable(name);
        }
    }

    /// `(a, b) VALUES (…, …), (…, …)`: what stands at a place of a row belongs to the column at that place.
    fn insert(&mut self) {
        let columns = column_list(&mut || self.next());
        while let Some(token) = self.peek() {
            match token {
                // The rest of `INSERT … SELECT`, `ON CONFLICT DO UPDATE SET`, `RETURNING` is read as comparisons.
                Token::Word(word) if !word.eq_ignore_ascii_case(b"values") && !word.eq_ignore_ascii_case(b"value") => {
                    return;
                }
                Token::Mark(b'(') => {
                    self.ahead = None;
                    self.row(&columns);
                }
                _ => self.ahead = None,
            }
        }
    }

    fn row(&mut self, columns: &[&'a [u8]]) {
        let (mut depth, mut place) = (1u32, 0usize);
        while let Some(token) = self.next() {
            match token {
                Token::Mark(b'(') => depth = depth.saturating_add(1),
                Token::Mark(b')') if depth == 1 => return,
                Token::Mark(b')') => depth -= 1,
                Token::Mark(b',') if depth == 1 => place += 1,
                Token::Parameter(number) => self.found.set(number, columns.get(place).copied()),
                _ => {}
            }
        }
    }
}

/// The names of `(a, t.b, "c")`, whose opening parenthesis is the next token.
fn column_list<'a>(next: &mut dyn FnMut() -> Option<Token<'a>>) -> Vec<&'a [u8]> {
    let mut columns = Vec::new();
    let mut last = None;
    while let Some(token) = next() {
        match token {
            Token::Mark(b',') => columns.push(last.take().unwrap_or_default()),
            Token::Mark(b')') => {
                columns.push(last.take().unwrap_or_default());
                break;
            }
            token => last = token.identifier().or(last),
        }
    }
    columns
}

/// `column = $1`, `lower(column) LIKE lower($1)`, `column IN ($1, $2)`, `column BETWEEN $1 AND $2`.
#[derive(Default)]
struct Comparison<'a> {
    /// The last identifier that is no function.
    subject: Option<&'a [u8]>,
    /// What the next parameter is compared with, and how deep in parentheses that was said.
    against: Option<(&'a [u8], u32)>,
    between: bool,
    depth: u32,
}

impl<'a> Comparison<'a> {
    fn token(&mut self, token: Token<'a>, call: bool, found: &mut Parameters) {
        const OPERATORS: [&str; 8] = ["like", "ilike", "in", "between", "regexp", "rlike", "similar", "any"];
        match token {
            Token::Parameter(number) => found.set(number, self.against.map(|(name, _)| name)),
            Token::Word(_) if OPERATORS.iter().any(|o| token.is(o)) => {
                self.between |= token.is("between");
                self.arm();
            }
            Token::Word(_) if token.is("not") || token.is("to") || token.is("all") => {}
            Token::Word(_) if token.is("and") && self.between => self.between = false,
            Token::Word(name) | Token::Quoted(name) if !call => {
                self.subject = Some(name);
                self.against = None;
            }
            Token::Word(_) | Token::Quoted(_) => {}
            Token::Text(_) | Token::Number(_) => {
                if self.against.is_some_and(|(_, depth)| depth == self.depth) && !self.between {
                    self.against = None;
                }
            }
            Token::Mark(b'=' | b'<' | b'>' | b'!' | b'~') => self.arm(),
            Token::Mark(b'(') => self.depth = self.depth.saturating_add(1),
            Token::Mark(b')') => {
                self.depth = self.depth.saturating_sub(1);
                if self.against.is_some_and(|(_, depth)| depth > self.depth) {
                    self.against = None;
                }
            }
            Token::Mark(b',' | b';') => {
                self.subject = None;
                if self.against.is_some_and(|(_, depth)| depth >= self.depth) {
                    self.against = None;
                }
            }
            Token::Mark(_) => {}
        }
    }

    fn arm(&mut self) {
        if let Some(subject) = self.subject.take() {
            self.against = Some((subject, self.depth));
        }
    }
}

/// What bulk data that follows a statement looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BulkFormat {
    /// PostgreSQL's `FORMAT binary`.
    Binary,
    /// Separated values with quotes.
    Csv,
    /// A line a row, escapes with backslashes.
    #[default]
    Lines,
}

/// A statement that makes the connection carry bulk data: `COPY … FROM STDIN`, `COPY … TO STDOUT`,
/// `LOAD DATA LOCAL INFILE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulk {
    /// The table. Empty for `COPY (SELECT …)`.
    pub table: String,
    /// The columns, where the statement lists them.
    pub columns: Vec<String>,
    /// How the data is written.
    pub format: BulkFormat,
    /// The first line has the names of the columns.
    pub header: bool,
    /// What stands between two values of [`BulkFormat::Lines`] and [`BulkFormat::Csv`].
    pub separator: u8,
}

impl Bulk {
    /// Reads a statement; `None` if it is of another kind.
    pub fn of(statement: &[u8], dialect: Dialect) -> Option<Self> {
        let mut tokens = Tokens::new(statement, dialect);
        let first = tokens.next()?;
        let (copy, load) = (first.is("copy"), first.is("load") && tokens.next()?.is("data"));
        if !copy && !load {
            return None;
        }
        let mut bulk = Self { separator: b'\t', ..Self::default() };
        let mut separator = None;
        if load {
            tokens.find(|t| t.is("into"))?;
        }
        let mut tokens = tokens.peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Mark(b'(') if bulk.columns.is_empty() && bulk.table.is_empty() => {
                    bulk.columns = selected(&mut tokens).into_iter().map(readable).collect();
                    bulk.table.clear();
                }
                Token::Mark(b'(') if bulk.columns.is_empty() && !copied(tokens.peek()) => {
                    bulk.columns = column_list(&mut || tokens.next()).into_iter().map(readable).collect();
                }
                Token::Word(_) if token.is("csv") => bulk.format = BulkFormat::Csv,
                Token::Word(_) if token.is("binary") => bulk.format = BulkFormat::Binary,
                Token::Word(_) if token.is("header") => {
                    bulk.header = !tokens.peek().is_some_and(|t| t.is("false") || t.is("off"));
                }
                Token::Word(_) if token.is("ignore") => bulk.header = true,
                Token::Word(_) if token.is("enclosed") => bulk.format = BulkFormat::Csv,
                Token::Word(_) if token.is("delimiter") || token.is("terminated") => {
                    while let Some(Token::Word(_)) = tokens.peek() {
                        tokens.next();
                    }
                    if let (None, Some(Token::Text(text))) = (separator, tokens.peek()) {
                        separator = match text {
                            [b'\\', b't', ..] => Some(b'\t'),
                            text => text.first().copied(),
                        };
                    }
                }
                // The last identifier before the column list or the options names the table.
                Token::Word(name) | Token::Quoted(name) if bulk.columns.is_empty() => {
                    const NOT_A_TABLE: [&str; 10] =
                        ["table", "from", "to", "stdin", "stdout", "with", "fields", "lines", "columns", "by"];
                    let qualified = tokens.peek() == Some(&Token::Mark(b'.'));
                    let keyword = matches!(token, Token::Word(_)) && NOT_A_TABLE.iter().any(|k| token.is(k));
                    if !qualified && !keyword && bulk.table.is_empty() {
                        bulk.table = readable(name);
                    }
                }
                _ => {}
            }
        }
        bulk.separator = separator.unwrap_or(if bulk.format == BulkFormat::Csv && copy { b',' } else { b'\t' });
        Some(bulk)
    }
}

/// Whether a parenthesis opens `COPY`'s options and not its columns.
fn copied(first: Option<&Token<'_>>) -> bool {
    const OPTIONS: [&str; 6] = ["format", "freeze", "delimiter", "null", "header", "encoding"];
    first.is_some_and(|token| OPTIONS.iter().any(|o| token.is(o)))
}

/// The names a `SELECT` gives its columns, up to the parenthesis that closes it.
fn selected<'a>(tokens: &mut dyn Iterator<Item = Token<'a>>) -> Vec<&'a [u8]> {
    let (mut depth, mut listing, mut last, mut columns) = (1u32, true, None, Vec::new());
    for token in tokens {
        match token {
            Token::Mark(b'(') => depth = depth.saturating_add(1),
            Token::Mark(b')') => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            _ if !listing || depth > 1 => {}
            Token::Mark(b'*') if last.is_none() => return Vec::new(),
            Token::Mark(b',') => columns.push(last.take().unwrap_or_default()),
            Token::Word(_) if token.is("from") => {
                columns.push(last.take().unwrap_or_default());
                listing = false;
            }
            token => last = token.identifier().filter(|_| !token.is("select")).or(last),
        }
    }
    if listing {
        columns.push(last.unwrap_or_default());
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(statement: &str, dialect: Dialect) -> Vec<String> {
        let parameters = Parameters::of(statement.as_bytes(), dialect);
        (0..parameters.count()).map(|n| parameters.name(n).to_owned()).collect()
    }

    #[test]
    fn a_parameter_of_an_insert_belongs_to_the_column_at_its_place() {
        let sql = r#"INSERT INTO app."Users" (name, "Pass Word", at) VALUES ($1, crypt($2, gen_salt('bf')), now()), ($3,$4,$5)"#;
        assert_eq!(names(sql, Dialect::PostgreSql), ["name", "Pass Word", "name", "Pass Word", "at"]);
        assert_eq!(Parameters::of(sql.as_bytes(), Dialect::PostgreSql).table, "Users");
        let sql = "INSERT INTO t(a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = ?, c = ?";
        assert_eq!(names(sql, Dialect::MySql), ["a", "b", "b", "c"]);
    }

    #[test]
    fn a_parameter_belongs_to_the_column_it_is_compared_with() {
        let sql = "UPDATE u SET pw = $2, n = n + 1 WHERE lower(u.mail) = lower($1) AND k IN ($3, $4) LIMIT $5";
        assert_eq!(names(sql, Dialect::PostgreSql), ["mail", "pw", "k", "k", ""]);
        let sql = "select 'it''s ?', \"?\" /* ? */ from `t` where `card no` like ? -- ?\n and d between ? and ? and z = 1 or ?";
        assert_eq!(names(sql, Dialect::MySql), ["card no", "d", "d", ""]);
    }

    #[test]
    fn dollar_quotes_hide_what_is_in_them() {
        let sql = "DO $fn$ x = $1 $fn$; SELECT * FROM t WHERE a = $1";
        assert_eq!(names(sql, Dialect::PostgreSql), ["a"]);
    }

    #[test]
    fn a_copy_names_its_columns_and_its_format() {
        let bulk = |sql: &str| Bulk::of(sql.as_bytes(), Dialect::PostgreSql).unwrap();
        let copy = bulk("COPY public.customers (id, card_no) FROM stdin;");
        assert_eq!((copy.table.as_str(), copy.format, copy.separator), ("customers", BulkFormat::Lines, b'\t'));
        assert_eq!(copy.columns, ["id", "card_no"]);
        let copy = bulk("copy t from stdin with (format csv, header true, delimiter ';')");
        assert_eq!((copy.format, copy.header, copy.separator), (BulkFormat::Csv, true, b';'));
        assert_eq!((copy.table.as_str(), copy.columns.len()), ("t", 0));
        let copy = bulk("COPY (SELECT u.id, lower(mail) AS m FROM u WHERE a IN (1)) TO STDOUT CSV HEADER");
        assert_eq!(copy.columns, ["id", "m"]);
        assert!(copy.header);
    }

    #[test]
    fn load_data_names_its_columns() {
        let sql = "LOAD DATA LOCAL INFILE '/tmp/x.csv' REPLACE INTO TABLE `pay` FIELDS TERMINATED BY ',' ENCLOSED BY '\"' LINES TERMINATED BY '\\n' (id, `card`)";
        let load = Bulk::of(sql.as_bytes(), Dialect::MySql).unwrap();
        assert_eq!((load.table.as_str(), load.format, load.separator), ("pay", BulkFormat::Csv, b','));
        assert_eq!(load.columns, ["id", "card"]);
    }

    #[test]
    fn broken_statements_do_no_harm() {
        for sql in [
            "",
            "'",
            "insert into",
            "insert into t(",
            "$",
            "$$",
            "copy",
            "copy (",
            "load data into (",
            "\"",
            "?",
            "e'\\",
        ] {
            for dialect in [Dialect::MySql, Dialect::PostgreSql] {
                Parameters::of(sql.as_bytes(), dialect);
                Bulk::of(sql.as_bytes(), dialect);
            }
        }
    }
}
