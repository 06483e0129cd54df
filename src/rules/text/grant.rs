//! SQL statements that make or change accounts: which literal is the password, and whose. A few
//! keywords of MySQL, PostgreSQL, SQL Server and Oracle, no grammar.

use std::ops::Range;

use super::sql::Token;

/// One statement, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Grant {
    verb: Verb,
    account: Option<Range<usize>>,
    /// An account is named next.
    names: bool,
    /// The word that announced the password, if it comes next.
    announced: Option<Range<usize>>,
    identified: bool,
    /// The second word of `SET PASSWORD`.
    set: Option<Range<usize>>,
}

/// What the statement does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verb {
    /// No word was read.
    #[default]
    None,
    /// `CREATE`, `ALTER`: of what, the next words say.
    Make,
    /// `CREATE USER` and its kin.
    Account,
    /// `GRANT … TO`.
    Grant,
    /// `SET`, perhaps of a password.
    Set,
    /// `SET PASSWORD`.
    SetPassword,
    /// Anything else.
    Other,
}

impl Grant {
    /// Takes the next token. When it is a password: the word that announced it.
    pub(super) fn token(&mut self, text: &[u8], token: &Token) -> Option<Range<usize>> {
        match token {
            Token::Mark(b';') => *self = Self::default(),
            // The next account of a list.
            Token::Mark(b',') => {
                self.announced = None;
                self.names = self.identified;
                self.identified = false;
            }
            Token::Mark(b'=') if self.verb == Verb::SetPassword => self.announced = self.set.clone(),
            Token::Mark(b'=' | b'(') => {}
            Token::Mark(_) | Token::Number(_) => self.announced = None,
            Token::Text(range) | Token::Quoted(range) if self.names => self.name(range),
            Token::Text(_) | Token::Quoted(_) => return self.announced.take(),
            Token::Word(range) => return self.word(&text.get(range.clone())?.to_ascii_lowercase(), range),
        }
        None
    }

    /// The account of the last password.
    pub(super) fn account(&self) -> Option<Range<usize>> {
        self.account.clone()
    }

    fn name(&mut self, range: &Range<usize>) {
        self.account = Some(range.clone());
        self.names = false;
    }

    fn word(&mut self, word: &[u8], range: &Range<usize>) -> Option<Range<usize>> {
        let about = matches!(self.verb, Verb::Account | Verb::Grant | Verb::SetPassword);
        match (self.verb, word) {
            (Verb::None, b"create" | b"alter") => self.verb = Verb::Make,
            (Verb::None, b"grant") => self.verb = Verb::Grant,
            (Verb::None, b"set") => self.verb = Verb::Set,
            (Verb::None, _) => self.verb = Verb::Other,
            (Verb::Make, b"user" | b"role" | b"login" | b"group") => (self.verb, self.names) = (Verb::Account, true),
            // `CREATE SERVER s … OPTIONS (user 'a', password 'x')`
            (Verb::Make, b"server") => self.verb = Verb::Account,
            (Verb::Make, b"or" | b"replace") => {}
            (Verb::Make, _) => self.verb = Verb::Other,
            (Verb::Set, b"password") => {
                self.verb = Verb::SetPassword;
                self.set = Some(range.clone());
            }
            (Verb::Set, _) => self.verb = Verb::Other,
            (Verb::Grant, b"to") | (Verb::SetPassword, b"for") => self.names = true,
            (_, b"if" | b"not" | b"exists" | b"mapping" | b"for") if self.names => {}
            _ if self.names => self.name(range),
            // `CREATE USER MAPPING FOR b SERVER s OPTIONS (user 'a', password 'x')`
            (Verb::Account, b"user") => self.names = true,
            (_, b"identified") if about => {
                self.identified = true;
                self.announced = None;
            }
            (_, b"by" | b"as" | b"using") if self.identified => self.announced = Some(range.clone()),
            // `ALTER USER a IDENTIFIED BY 'x' REPLACE 'y'`
            (Verb::Account, b"replace") if self.identified => self.announced = Some(range.clone()),
            (_, b"password") if about => self.announced = Some(range.clone()),
            (_, b"values" | b"old_password" | b"n" | b"e") if self.announced.is_some() => {}
            (_, b"null" | b"random" | b"require" | b"expire" | b"default") => self.announced = None,
            // Oracle's `IDENTIFIED BY tiger`.
            _ if self.identified => return self.announced.take(),
            _ => self.announced = None,
        }
        None
    }
}
