//! Where in JSON something stands: the path of each offset, as `users[].email`. Reads front to back
//! and takes text that is cut, several documents after each other (JSON lines), and what is no JSON at
//! all.

use std::ops::Range;

use crate::model::limits;

/// Longest key that a path shows, in bytes.
const KEY: usize = 64;

/// An object or array that is open.
struct Level {
    /// The key it stands under; empty in an array and at the top.
    key: Range<usize>,
    array: bool,
}

/// The path of the value, or of the key, at each of the offsets, which must be sorted. Empty at the top
/// level.
pub fn paths(text: &[u8], offsets: &[usize]) -> Vec<String> {
    let mut found = Vec::with_capacity(offsets.len());
    let mut open: Vec<Level> = Vec::new();
    let mut deeper = 0_usize;
    let mut key = 0..0;
    let mut at = start(text);
    while let (Some(wanted), Some(byte)) = (offsets.get(found.len()), text.get(at)) {
        let mut next = at + 1;
        match byte {
            b'{' | b'[' if open.len() < limits::NESTING => {
                open.push(Level { key: std::mem::take(&mut key), array: *byte == b'[' });
            }
            b'{' | b'[' => deeper += 1,
            b'}' | b']' if deeper > 0 => deeper -= 1,
            b'}' | b']' => {
                open.pop();
                key = 0..0;
            }
            b',' => key = 0..0,
            b'"' => {
                let end = string_end(text, next);
                if followed_by_colon(text, end) && deeper == 0 {
                    key = next..end;
                }
                next = end + 1;
            }
            _ => {}
        }
        if *wanted < next {
            let path = path(text, &open, &key);
            while offsets.get(found.len()).is_some_and(|wanted| *wanted < next) {
                found.push(path.clone());
            }
        }
        at = next;
    }
    found.resize(offsets.len(), String::new());
    found
}

/// The offset of the quotation mark that ends a string, or the end of the text.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(rest) = text.get(at..) {
        let Some(found) = memchr::memchr2(b'"', b'\\', rest) else { break };
        match rest.get(found) {
            Some(b'"') => return at + found,
            _ => at += found + 2,
        }
    }
    text.len()
}

fn followed_by_colon(text: &[u8], quote: usize) -> bool {
    let rest = text.get(quote + 1..).unwrap_or_default();
    rest.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

fn path(text: &[u8], open: &[Level], key: &Range<usize>) -> String {
    let mut path = String::new();
    for level in open {
        add(text, &level.key, &mut path);
        if level.array {
            path.push_str("[]");
        }
    }
    add(text, key, &mut path);
    path
}

fn add(text: &[u8], key: &Range<usize>, path: &mut String) {
    let name = text.get(key.clone()).unwrap_or_default();
    let name = name.get(..KEY).unwrap_or(name);
    if !name.is_empty() {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&String::from_utf8_lossy(name));
    }
}

/// Where to begin: a text that begins within a string is read from the end of it.
fn start(text: &[u8]) -> usize {
    let Some(quote) = memchr::memchr(b'"', text) else { return 0 };
    let before = text.get(..quote).unwrap_or_default().trim_ascii_end();
    match before.last() {
        None | Some(b'{' | b'[' | b',' | b':') => 0,
        Some(_) => quote + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, marks: &[&str]) -> Vec<String> {
        let offsets: Vec<_> = marks.iter().map(|mark| text.find(mark).unwrap()).collect();
        paths(text.as_bytes(), &offsets)
    }

    #[test]
    fn every_value_has_its_path() {
        let text = r#"{"a":{"b":[{"c":"v1","d":["v2",3]},{"c": v3}],"e\"":"v4"},"f":"{\"g\":\"v5\"}"}"#;
        assert_eq!(of(text, &["v1", "v2", "v3", "v4", "v5"]), ["a.b[].c", "a.b[].d[]", "a.b[].c", "a.e\\\"", "f"]);
        assert_eq!(of(r#"[[1,{"x":2}]]"#, &["1", "2"]), ["[][]", "[][].x"]);
    }

    #[test]
    fn lines_of_json_and_cut_text_have_paths_too() {
        assert_eq!(of("{\"a\":\"v1\"}\n{\"b\":\"v2\"}\n", &["v1", "v2"]), ["a", "b"]);
        assert_eq!(of("tail\"},{\"email\":\"v1\"", &["v1"]), ["email"]);
        assert_eq!(paths(b"{\"a\":1", &[3, 5, 99]), ["a", "a", ""]);
    }

    #[test]
    fn a_deep_nesting_costs_no_more_than_it_shows() {
        let text = "[{\"a\":".repeat(5000);
        assert_eq!(paths(text.as_bytes(), &[text.len() - 1]).len(), 1);
    }
}
