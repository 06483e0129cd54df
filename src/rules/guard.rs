//! Whether the value under a telling name is somebody's secret. What a client sends in a password
//! field is one, whatever it is; what a server sends may be a translation, a schema or a manual.

use super::names::{Names, words};
use super::schema::{Guard, Place};
use super::validate::secret::{entropy, made_up, masked, reference};
use crate::model::event::Format;
use crate::model::finding::Confidence;
use crate::model::flow::Direction;
use crate::model::why::{Fact, Why};

/// Where a named value stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// Who sent it.
    pub(super) direction: Direction,
    /// What it is written in; `None` for a field its parser named.
    pub(super) format: Option<Format>,
    /// What kind of name it has.
    pub(super) place: Place,
    /// It is clear where it begins and ends.
    pub(super) delimited: bool,
}

impl Situation {
    /// What it says for a value that the guard lets pass.
    pub(super) fn facts(&self, guard: Guard) -> Why {
        match guard {
            Guard::None => Why::default(),
            _ if self.handed_over() => Why::of(Fact::HandedOver),
            _ => Why::of(Fact::Unlike),
        }
    }

    /// A client hands over data: nobody sends a manual in a login form.
    fn handed_over(&self) -> bool {
        let data = !matches!(self.format, Some(Format::Plain | Format::Html | Format::Script));
        self.direction == Direction::ToServer && data
    }
}

/// How sure it is that a value is a secret; `None` when it is none.
pub(super) fn judge(guard: Guard, names: &Names, value: &[u8], situation: &Situation) -> Option<Confidence> {
    // A page that shows a value in quotes shows program code.
    let code = situation.format == Some(Format::Html) && situation.place != Place::Attribute && quoted(value);
    if guard != Guard::None && code && !situation.handed_over() {
        return None;
    }
    match guard {
        Guard::None => Some(Confidence::High),
        Guard::Password => password(names, value, situation),
        Guard::Token => token(value, situation),
    }
}

fn quoted(value: &[u8]) -> bool {
    let mark = value.first().filter(|mark| matches!(mark, b'"' | b'\''));
    mark.is_some() && value.len() > 1 && value.last() == mark
}

fn password(names: &Names, value: &[u8], situation: &Situation) -> Option<Confidence> {
    let value = value.trim_ascii();
    let typed = situation.format == Some(Format::Json) || situation.place == Place::Sql;
    if value.is_empty() || masked(value) || typed && literal(value) || situation.place == Place::Sql && reference(value)
    {
        return None;
    }
    if situation.handed_over() {
        return Some(Confidence::High);
    }
    if reference(value) || literal(value) || schema(value) || code(value) {
        return None;
    }
    if situation.direction == Direction::ToClient && situation.format.is_some() && placeholder(value) {
        return None;
    }
    let text = String::from_utf8_lossy(value);
    // A translation of the word itself; a directory holds none.
    let data = matches!(situation.place, Place::Attribute | Place::Column | Place::Key | Place::Parameter);
    let translatable = !data || shape(&text) != Shape::Other;
    // The end of what was made at random may be as short as a name: `bBqNQegIK`.
    let parts = words(&text);
    let itself = names.is_name(&text)
        && (parts.len() < 3
            || parts.iter().rfind(|part| !part.bytes().all(|b| b.is_ascii_digit())).is_some_and(|last| last.len() > 2));
    let digits = text.chars().any(|c| c.is_ascii_digit());
    let speaks = text.chars().any(|c| c.is_whitespace() || !c.is_ascii()) && names.speak(&text);
    if translatable
        && text.chars().any(char::is_alphabetic)
        && (itself && (!digits || spaced(&text)) || speaks && (!digits || spaced(&text)))
    {
        return None;
    }
    // The value that a form comes filled in with is data, though the page is not.
    let document = matches!(situation.format, Some(Format::Html | Format::Script)) && situation.place != Place::Xml;
    let blanks = text.chars().filter(|c| c.is_whitespace()).count();
    // A column of a table holds what somebody typed: three words, but no sentence.
    let typed = situation.format.is_none() && data;
    match shape(&text) {
        // `<passphrase>oyster yarrow dagger estuary</passphrase>`: texts of programs begin with a capital.
        Shape::Words if situation.format == Some(Format::Xml) && situation.delimited && phrase(&text) => {
            Some(Confidence::Medium)
        }
        Shape::Words if typed && blanks <= PHRASE && text.ends_with(char::is_alphanumeric) => Some(Confidence::Medium),
        _ if blanks > 2 => None,
        Shape::Words => None,
        Shape::Word if document || (!situation.delimited && situation.direction == Direction::ToClient) => None,
        Shape::Name if document => None,
        Shape::Name => Some(Confidence::Low),
        Shape::Word => Some(Confidence::Medium),
        Shape::Other if document && (value.len() < 6 || text.contains(' ') || member(value) || class(&text)) => None,
        Shape::Other if document => Some(Confidence::Medium),
        Shape::Other if situation.format.is_none() => Some(Confidence::High),
        // `string password = 2;`
        Shape::Other if situation.direction == Direction::ToClient && value.len() < 3 => None,
        Shape::Other if situation.direction == Direction::ToClient && value.len() < 4 => Some(Confidence::Low),
        Shape::Other => Some(Confidence::Medium),
    }
}

fn token(value: &[u8], situation: &Situation) -> Option<Confidence> {
    let value = value.trim_ascii();
    if value.len() < 6
        || masked(value)
        || reference(value)
        || literal(value)
        || value.iter().any(|b| b" {(".contains(b))
    {
        return None;
    }
    // The time when a session began, in seconds or milliseconds since 1970: analytics name sessions so.
    let second = |value: &[u8]| matches!(value, [b'1', b'4'..=b'9', ..]) && value.iter().all(u8::is_ascii_digit);
    if matches!(value.len(), 10 | 13) && second(value) {
        return None;
    }
    // `sid=7601422517.7486074940`: analytics name sessions so, too.
    if value.contains(&b'.') && value.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    // `session=FileStation`
    let word = value.len() < 16 && value.iter().all(u8::is_ascii_alphabetic);
    if situation.handed_over() && situation.format.is_none() && !word {
        return Some(if value.len() >= 12 { Confidence::High } else { Confidence::Medium });
    }
    // `2031-08-10T15:51:01.25Z`
    let time = value.get(4) == Some(&b'-') && value.get(10) == Some(&b'T') && value.get(13) == Some(&b':');
    // `20310810T155101.25Z-1`
    let basic = value.get(8) == Some(&b'T') && value.iter().take(15).filter(|b| b.is_ascii_digit()).count() == 14;
    if time || basic {
        return None;
    }
    let random = mixed(value) >= MIXED && value.len() >= 12 && entropy(value) >= 2.8 && !made_up(value) && !code(value);
    random.then_some(Confidence::Medium)
}

/// Bytes of a value in parts with letters and digits: `support.class.actionscript.2` has none, and `_ref2.token` few.
/// Or in long parts whose case changes as it does in no name: `kDfXqWmTzRbYcUeNpLaO`.
fn mixed(value: &[u8]) -> usize {
    let parts = value.split(|b| b.is_ascii_punctuation() && !matches!(b, b'+' | b'/' | b'='));
    let both = |part: &[u8]| part.iter().any(u8::is_ascii_digit) && part.iter().any(u8::is_ascii_alphabetic);
    // Words begin with one capital and have several small letters.
    let wild = |part: &[u8]| {
        let runs = || part.chunk_by(|one, next| one.is_ascii_lowercase() == next.is_ascii_lowercase());
        let odd = |run: &&[u8]| run.first().is_some_and(u8::is_ascii_lowercase) == (run.len() == 1);
        part.len() >= 16 && 5 * runs().count() > 2 * part.len() && runs().filter(odd).count() >= 3
    };
    parts.filter(|part| both(part) || wild(part)).map(<[u8]>::len).sum()
}

/// So many of them make a value random.
const MIXED: usize = 8;

/// `true`, `null` and their kind.
fn literal(value: &[u8]) -> bool {
    [b"true".as_slice(), b"false", b"null", b"none", b"nil", b"undefined", b"yes", b"no", b"nan"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
}

/// What describes a field instead of filling it.
fn schema(value: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "string",
        "text",
        "password",
        "required",
        "optional",
        "varchar",
        "char",
        "boolean",
        "bool",
        "object",
        "array",
        "number",
        "integer",
        "int",
        "hidden",
        "invalid",
        "missing",
        "empty",
        "blank",
        "incorrect",
        "wrong",
        "weak",
        "strong",
        "reset",
        "forgot",
        "change",
        "update",
        "enabled",
        "disabled",
        "expired",
        "is_required",
        "passwd",
        "pwd",
        "pass",
        "current-password",
        "new-password",
        "off",
        "on",
        "plain",
        "md5",
        "sha256",
        "bcrypt",
        "clear",
        "any",
        "unknown",
        "nullable",
        "function",
        "return",
        "sometimes",
        "confirmed",
        "input",
        "field",
        "label",
        "old",
        "new",
        // The passes of an unattended installation of Windows.
        "username",
        "oobesystem",
        "specialize",
        "windowspe",
        "generalize",
        "auditsystem",
        "audituser",
        "offlineservicing",
    ];
    among(value, WORDS)
}

/// What manuals write where a password goes.
fn placeholder(value: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "default",
        "example",
        "sample",
        "changeme",
        "secret",
        "yourpassword",
        "your_password",
        "your-password",
        "mypassword",
        "p4ssw0rd",
        "pa55w0rd",
        "pa$$w0rd",
    ];
    among(value, WORDS)
}

fn among(value: &[u8], words: &[&str]) -> bool {
    let lower = value.to_ascii_lowercase();
    let text = String::from_utf8_lossy(&lower);
    let head = text.split(['(', '|', ' ', ':', ',']).next().unwrap_or_default();
    words.contains(&text.trim_matches(|c: char| c.is_ascii_punctuation()))
        || (head.len() < text.len() && words.contains(&head))
}

/// Program text: a call, a member, a comparison.
fn code(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    if expression(text.trim_end_matches([';', ',']), text.ends_with([';', ','])) {
        return true;
    }
    text.contains("()")
        || text
            .strip_suffix('(')
            .is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b)))
        || text.contains("=>")
        || text.contains("function")
        || (text.ends_with([')', ']']) && text.contains('('))
        || text.split_once('(').is_some_and(|(name, _)| {
            name.len() > 2 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.')
        })
        || text.contains("].")
        || text.starts_with("this.")
        || text.starts_with("self.")
        || text.starts_with("document.")
        || text.starts_with("http://")
        || text.starts_with("https://")
        || text.starts_with('/')
}

/// What a program does to get a value: `util.encodeUTF8(e`, `keys[index`, `null;`, `passwordBytes,`. A statement or an
/// argument `ends` behind it.
fn expression(text: &str, ends: bool) -> bool {
    let name = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'))
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.'))
    };
    let humped = |word: &str| {
        let mut pairs = word.bytes().zip(word.bytes().skip(1));
        word.contains('.') || pairs.any(|(one, next)| one.is_ascii_lowercase() && next.is_ascii_uppercase())
    };
    let arguments = |rest: &str| {
        rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'.' | b',' | b' ' | b')' | b']'))
    };
    let part = text.split_once(['(', '[']);
    part.is_some_and(|(own, rest)| name(own) && humped(own) && arguments(rest))
        || ends
            && (literal(text.as_bytes())
                || text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
                || name(text) && humped(text) && !text.bytes().any(|b| b.is_ascii_digit()))
}

/// The name of something in a program: `templateName`, `logins/2/userName`, `Qt::Key`.
fn member(value: &[u8]) -> bool {
    let letters = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b':' | b'/' | b'.' | b'(');
    value.iter().all(letters)
        || value.iter().filter(|b| **b == b'/').count() > 1 && value.iter().all(|b| letters(b) || b.is_ascii_digit())
}

/// What a program that packs pages makes: the name of a class from the name of the field
/// (`Login_password__x7Gh2`, `input_x7gh2`), the digest of a script.
fn class(text: &str) -> bool {
    let digest = matches!(text.len(), 7..=20) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let made = text.contains("__") && text.to_ascii_lowercase().contains("pass");
    made || digest || text.starts_with("input_") || text.starts_with("field_")
}

/// Several words that make no sentence: none of them is one that sentences need.
fn phrase(text: &str) -> bool {
    const SMALL: &[&str] = &[
        "the", "your", "you", "and", "for", "not", "with", "must", "this", "that", "please", "have", "are", "was",
        "from", "new", "old", "enter", "type", "here", "too", "short", "long", "again", "login", "sign", "use", "all",
    ];
    let words = || text.split(' ');
    (4..=10).contains(&words().count())
        && words().all(|word| word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase()) && !SMALL.contains(&word))
}

/// Blanks of a phrase that somebody may have typed as a password.
const PHRASE: usize = 5;

fn spaced(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

/// How a value reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Several words, or a sentence.
    Words,
    /// One word in lower case.
    Word,
    /// One capitalised word.
    Name,
    /// Letters with digits or signs among them.
    Other,
}

fn shape(text: &str) -> Shape {
    let reads = |c: char| {
        c.is_alphabetic()
            || c.is_whitespace()
            // Signs of other scripts, and the marks of Indic letters.
            || !c.is_ascii()
            || matches!(c, '.' | ',' | '!' | '?' | ':' | ';' | '\'' | '’' | '-' | '(' | ')' | '…')
    };
    if !text.chars().all(reads) {
        return Shape::Other;
    }
    if text.split_whitespace().count() > 1 || text.ends_with(['.', '!', '?', ':', '…', '。', '！', '？', '：']) {
        return Shape::Words;
    }
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    match capitals {
        0 => Shape::Word,
        1 if text.starts_with(char::is_uppercase) => Shape::Name,
        _ if words(text).len() > 1 => Shape::Other,
        _ => Shape::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::RuleIndex;
    use crate::rules::names::Role;

    fn ask(value: &str, direction: Direction, format: Option<Format>) -> Option<Confidence> {
        let mut names = Names::default();
        names.add("password", Role::For(RuleIndex(0)));
        names.add("contraseña", Role::For(RuleIndex(0)));
        let situation = Situation { direction, format, place: Place::Json, delimited: true };
        judge(Guard::Password, &names, value.as_bytes(), &situation)
    }

    #[test]
    fn any_word_is_a_password_when_a_client_sends_it() {
        for word in ["changeme", "password", "Contraseña", "123456", "required"] {
            assert_eq!(ask(word, Direction::ToServer, None), Some(Confidence::High), "{word}");
        }
        assert_eq!(ask("********", Direction::ToServer, None), None);
    }

    #[test]
    fn what_a_directory_holds_is_data() {
        let situation =
            Situation { direction: Direction::ToClient, format: None, place: Place::Attribute, delimited: true };
        let mut names = Names::default();
        names.add("pw", Role::For(RuleIndex(0)));
        assert_eq!(judge(Guard::Password, &names, b"Carols-Old-Pw", &situation), Some(Confidence::High));
        assert_eq!(judge(Guard::Password, &names, b"Pw", &situation), None);
    }

    #[test]
    fn words_in_an_element_may_be_a_phrase_that_somebody_chose() {
        let xml = |text| ask(text, Direction::ToClient, Some(Format::Xml));
        assert_eq!(xml("oyster yarrow dagger estuary"), Some(Confidence::Medium));
        for text in ["please enter your password here", "Oyster yarrow dagger estuary", "oyster yarrow dagger"] {
            assert_eq!(xml(text), None, "{text}");
        }
    }

    #[test]
    fn a_server_sends_translations_and_schemas_too() {
        for word in ["Contraseña", "string", "must not be blank", "Passwort vergessen?", "${PASSWORD}", "null"] {
            assert_eq!(ask(word, Direction::ToClient, Some(Format::Json)), None, "{word}");
        }
        assert_eq!(ask("Winter2024!", Direction::ToClient, Some(Format::Json)), Some(Confidence::Medium));
        assert_eq!(ask("dragon", Direction::ToClient, Some(Format::Json)), Some(Confidence::Medium));
        assert_eq!(ask("dragon", Direction::ToClient, Some(Format::Script)), None);
        assert_eq!(ask("পাসওয়ার্ড", Direction::ToClient, Some(Format::Script)), None);
    }

    #[test]
    fn what_a_program_computes_is_nobodys_password() {
        for text in ["util.encodeUTF8(p);", "N.encodeUTF8(e", "keys.sub[index", "null;", "passwordBytes,", "0x0002000,"]
        {
            assert_eq!(ask(text, Direction::ToClient, Some(Format::Plain)), None, "{text}");
        }
        for text in ["Winter2024!;", "kadidd!ehopper", "a(b7Qx!z", "hunter2,"] {
            assert!(ask(text, Direction::ToClient, Some(Format::Plain)).is_some(), "{text}");
        }
    }

    #[test]
    fn a_random_value_has_parts_with_letters_and_digits() {
        for path in ["markup.heading.1", "punctuation.definition.string.end.actionscript.2", "_ref2.token"] {
            assert!(mixed(path.as_bytes()) < MIXED, "{path}");
        }
        for token in ["a1b2.c3d4.e5f6", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "k3J9sZ0q+w=="] {
            assert!(mixed(token.as_bytes()) >= MIXED, "{token}");
        }
    }

    #[test]
    fn what_is_made_at_random_has_digits_or_changes_its_case() {
        let situation = Situation {
            direction: Direction::ToClient,
            format: Some(Format::Json),
            place: Place::Json,
            delimited: true,
        };
        let ask = |value: &str| judge(Guard::Token, &Names::default(), value.as_bytes(), &situation);
        for random in ["syt_aGFucw_kDfXqWmTzRbYcUeNpLaO_1A2b3C", "9HqLlyZOugoStsXCUfD0Ydwn"] {
            assert_eq!(ask(random), Some(Confidence::Medium), "{random}");
        }
        for name in [
            "support.class.actionscript.2",
            "dispatchTokenRefreshHandler",
            "cellActiveWithRangeBg",
            "REFRESH_TOKEN_IS_MISSING",
        ] {
            assert_eq!(ask(name), None, "{name}");
        }
    }
}
