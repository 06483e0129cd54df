//! Names and values with nothing but blanks between them, as the files of many servers have them (`bindpw x`,
//! `password "x";`), and as logs tell them (`with password 'x'`).

use std::ops::Range;

use super::after::{Pair, starts_line, string_end};
use super::bytes::{at, backward, forward, identifier, prior, quote};
use crate::rules::schema::Place;

/// Longest value that is looked at.
const LONGEST: usize = 256;

/// The value at `from`, behind the blanks after a name. One in quotes may stand anywhere, others behind an option
/// (`--api-key x`), or as the rest of a line that begins with the name.
pub(super) fn value(text: &[u8], name: Range<usize>, from: usize) -> Option<Pair> {
    let own = text.get(name.clone())?;
    let option = own.starts_with(b"--");
    let first = option || starts_line(text, &name) || directive(text, &name);
    let mark = at(text, from);
    let end = if quote(mark) {
        string_end(text, from + 1, mark, 0)?
    } else if first {
        forward(text, from, LONGEST, |b| b.is_ascii_graphic() && b != b';')
    } else {
        return None;
    };
    let value = if quote(mark) { from + 1..end } else { from..end };
    let written = text.get(value.clone())?;
    let behind = if quote(mark) { end + 1 } else { end };
    let rest = forward(text, behind, 8, |b| matches!(b, b' ' | b'\t' | b';'));
    let fits = if quote(mark) {
        !written.contains(&b' ') && (first || telling(written, false)) && !at(text, behind).is_ascii_alphanumeric()
    } else {
        let capitals = written.iter().skip(1).filter(|b| b.is_ascii_uppercase()).count();
        let random = written.len() > 7 && capitals > 1 && at(text, end) != b';';
        (option || matches!(at(text, rest), b'\r' | b'\n' | 0))
            && (telling(written, compound(own)) || random)
            && !ends_sentence(written)
    };
    let reference = written.first().is_none_or(|b| b"$<{[(/%@:|-".contains(b) && !(quote(mark) && *b == b'-'));
    (fits && !reference).then_some(Pair { name, value, place: Place::Label, delimited: true })
}

/// The end of the dots that lead from a name to its value: `Phone ........ x`.
pub(super) fn leader(text: &[u8], dot: usize) -> Option<usize> {
    let end = forward(text, dot, LONGEST, |b| matches!(b, b'.' | b' '));
    (text.get(dot..end)?.starts_with(b"...") && prior(text, end) == b' ').then_some(end)
}

/// The second and last cell of a line that begins with a name: `phone;x`.
pub(super) fn second(text: &[u8], name: Range<usize>, sign: usize) -> Option<Pair> {
    let line = backward(text, name.start, LONGEST, |b| !matches!(b, b'\r' | b'\n'));
    let end = forward(text, sign + 1, LONGEST, |b| !matches!(b, b';' | b'\r' | b'\n' | 0));
    let value = sign + 1..sign + 1 + text.get(sign + 1..end)?.trim_ascii_end().len();
    let words = text.get(line..name.start)?.iter().all(|b| identifier(*b) || *b == b' ');
    let last = matches!(at(text, end), b'\r' | b'\n' | 0);
    (words && last && !value.is_empty()).then_some(Pair {
        name: line..name.end,
        value,
        place: Place::Label,
        delimited: true,
    })
}

/// The only argument of a call that sets something: `.password("x")`, `cfg.setPassword("x")`, from its bracket.
pub(super) fn handed(text: &[u8], name: Range<usize>, open: usize) -> Option<Pair> {
    let own = text.get(name.clone())?;
    let method = own.iter().rposition(|b| *b == b'.').map(|dot| dot + 1);
    let last = own.get(method.unwrap_or(0)..)?;
    let setter = method.is_some() || last.starts_with(b"set") || last.starts_with(b"with");
    let mark = at(text, open + 1);
    if open > name.end || !quote(mark) || !setter {
        return None;
    }
    let end = string_end(text, open + 2, mark, 0)?;
    (at(text, end + 1) == b')').then_some(Pair { name, value: open + 2..end, place: Place::Label, delimited: true })
}

/// The end of a value that has blanks, in a list of them: `Person[name=A B, phone=020 7638 9956, city=C]`. The first
/// blank is at `blank`.
pub(super) fn listed(text: &[u8], name: usize, blank: usize) -> Option<usize> {
    let end = forward(text, blank, LONGEST, |b| !b",;=()[]{}<>\"'\r\n".contains(&b));
    let ends = |n: usize| matches!(at(text, n), b',' | b';' | b')' | b']' | b'}');
    let key = forward(text, end + 1, 2, |b| b == b' ');
    let further = at(text, end) != at(text, key) && at(text, forward(text, key, 48, identifier)) == b'=';
    let before = backward(text, name, 2, |b| b == b' ');
    let follows = matches!(prior(text, before), b',' | b';' | b'(' | b'[' | b'{');
    (ends(end) && follows && (further || matches!(at(text, end), b')' | b']' | b'}'))).then_some(end)
}

/// Whether one word stands before a name on its line, and a semicolon ends that, or the name is none of a sentence:
/// `proxy_set_header X-Api-Key x;`, `SetEnv DB_PASSWORD x`.
fn directive(text: &[u8], name: &Range<usize>) -> bool {
    let line = backward(text, name.start, 80, |b| !matches!(b, b'\n' | b'\r'));
    let before = text.get(line..name.start).unwrap_or_default().trim_ascii();
    let end = forward(text, name.end, LONGEST, |b| !matches!(b, b'\n' | b'\r'));
    let rest = text.get(name.end..end).unwrap_or_default().trim_ascii_end();
    let own = text.get(name.clone()).unwrap_or_default();
    !before.is_empty()
        && before.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_')
        && (rest.ends_with(b";") || own.contains(&b'_'))
}

/// Whether a value is no word of a sentence. What stands behind a name that no sentence has may be several words.
pub(super) fn telling(value: &[u8], apart: bool) -> bool {
    let has = |class: &dyn Fn(&u8) -> bool| value.iter().any(class);
    let joined = value.iter().filter(|b| matches!(b, b'-' | b'.' | b'_')).count();
    value.len() >= 5
        && (has(&u8::is_ascii_digit) && has(&u8::is_ascii_alphabetic)
            || has(&|b| b"!#$%^&*+=~@".contains(b)) && has(&u8::is_ascii_alphabetic)
            || apart && (joined > 1 || value.iter().skip(1).any(u8::is_ascii_uppercase)))
}

/// Whether a name is none of a sentence: it has several words that no blank parts.
fn compound(name: &[u8]) -> bool {
    name.iter().any(|b| matches!(b, b'_' | b'-' | b'.'))
        || name.iter().skip(1).any(u8::is_ascii_uppercase) && name.iter().any(u8::is_ascii_lowercase)
        || name.ends_with(b"pw")
}

fn ends_sentence(value: &[u8]) -> bool {
    matches!(value.last(), Some(b',' | b':' | b'?' | b')' | b']'))
        || value.strip_suffix(b".").is_some_and(|word| word.iter().all(u8::is_ascii_alphanumeric) && word.len() < 8)
}

#[cfg(test)]
mod tests {
    use crate::model::event::Format;
    use crate::rules::text::after;

    fn of(text: &str) -> Option<&str> {
        let start = text.to_ascii_lowercase().find("assw").unwrap();
        after::value(text.as_bytes(), start..start + 4, Format::Plain).map(|pair| &text[pair.value])
    }

    #[test]
    fn columns_of_two_are_names_and_values() {
        assert_eq!(of("a;b\r\nUser password;x7 y\r\nc;d"), Some("x7 y"));
        assert_eq!(of("name;password;mail\n"), None);
        assert_eq!(of("password ........... x7\n"), Some("x7"));
        assert_eq!(of("password:                        x7\n"), Some("x7"));
    }

    #[test]
    fn calls_hand_values_over() {
        assert_eq!(of("Options::new().password(\"x7 y\");"), Some("x7 y"));
        assert_eq!(of("mail.setPassword('x7');"), Some("x7"));
        assert_eq!(of("check_password(\"x7\")"), None);
        assert_eq!(of("o.password(\"x7\", 1)"), None);
    }

    #[test]
    fn values_of_a_list_may_have_blanks() {
        assert_eq!(of("User[name=Ada B, password=x7 y8 z9, city=Rome]"), Some("x7 y8 z9"));
        assert_eq!(of("User(name=Ada B, password=x7 y8)"), Some("x7 y8"));
        assert_eq!(of("connect(password=x7 and so on"), Some("x7"));
        assert_eq!(of("host=a password=x7 port=1"), Some("x7"));
        assert_eq!(of("name=Ada B, password=x7, city=New Rome"), Some("x7"));
    }

    #[test]
    fn settings_of_servers_have_blanks_before_their_values() {
        assert_eq!(of("user bob\n  password x7x7x7\nport 1\n"), Some("x7x7x7"));
        assert_eq!(of("hibernate.connection.password red-green.blue\n"), Some("red-green.blue"));
        assert_eq!(of("  password \"Winter\";\n}\n"), Some("Winter"));
        assert_eq!(of("storePassword 'x7x7x7'\n"), Some("x7x7x7"));
        assert_eq!(of("  SetEnv DB_PASSWORD x7x7x7\n"), Some("x7x7x7"));
        assert_eq!(of("+ deploy --db-password x7x7x7 --env a\n"), Some("x7x7x7"));
        assert_eq!(of("12:01 new user bob mit Passwort 'x7x7x7'\n"), Some("x7x7x7"));
    }

    #[test]
    fn sentences_are_none() {
        for text in [
            "password required\n",
            "password reset for user7 failed\n",
            "the password \"field\" is missing\n",
            "password field-name.\n",
            "password $PASSWORD1\n",
            "password file1:\n",
            "a password x7x7x7\n",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
