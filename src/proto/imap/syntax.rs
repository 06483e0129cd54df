//! Arguments: atoms, quoted strings, literals (RFC 9051, section 4).

/// Arguments of one command that are kept.
pub(super) const ARGUMENTS: usize = 16;

/// A literal that follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Literal<'a> {
    /// What stands before it.
    pub(super) before: &'a [u8],
    /// Its length in bytes.
    pub(super) length: u64,
}

/// `{n}`, `{n+}` or `{n-}` at the end of a line, with RFC 3516's `~` before it.
pub(super) fn literal_at_end(line: &[u8]) -> Option<Literal<'_>> {
    let inner = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inner)?;
    let digits = inner.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").or(digits.strip_suffix(b"-")).unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let before = line.get(..open)?;
    Some(Literal { before: before.strip_suffix(b"~").unwrap_or(before), length })
}

/// The arguments of a line, quoted strings without quotes and escapes. A list is one argument.
pub(super) fn arguments(line: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() && found.len() < ARGUMENTS {
        let (argument, tail) = argument(rest);
        found.push(argument);
        rest = tail.trim_ascii_start();
    }
    found
}

fn argument(text: &[u8]) -> (Vec<u8>, &[u8]) {
    if text.first() == Some(&b'(') {
        let end = memchr::memchr(b')', text).map_or(text.len(), |n| n + 1);
        let (list, rest) = text.split_at_checked(end).unwrap_or((text, b""));
        return (list.to_vec(), rest);
    }
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = memchr::memchr2(b' ', b'\t', text).unwrap_or(text.len());
        let (atom, rest) = text.split_at_checked(end).unwrap_or((text, b""));
        return (atom.to_vec(), rest);
    };
    let mut value = Vec::new();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'"', _) => break,
            (b'\\', [escaped, after @ ..]) => {
                value.push(*escaped);
                rest = after;
            }
            _ => value.push(*byte),
        }
    }
    (value, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_come_in_every_notation() {
        let expected: Vec<Vec<u8>> =
            vec![b"kira".to_vec(), b"a \"b\" c\\".to_vec(), b"(\\Seen)".to_vec(), b"".to_vec()];
        assert_eq!(arguments(br#"kira "a \"b\" c\\" (\Seen) """#), expected);
    }

    #[test]
    fn a_literal_is_told_from_braces() {
        assert_eq!(literal_at_end(b"a {12+}"), Some(Literal { before: b"a ", length: 12 }));
        assert_eq!(literal_at_end(b"~{3}"), Some(Literal { before: b"", length: 3 }));
        assert_eq!(literal_at_end(b"{x}"), None);
        assert_eq!(literal_at_end(b"{99999999999999999999}"), None);
    }
}
