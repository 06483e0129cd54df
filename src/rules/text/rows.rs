//! Tables in JSON whose rows are lists, with the names of the columns said once: in a list beside them
//! (`{"columns":["id","ssn"],"rows":[[7,"536…"]]}`), in objects of one (`"columns":[{"name":"id"},…]`),
//! or as their first row, as spreadsheets send them. A value's name is far from it.

use std::ops::Range;

use super::bytes::at;
use super::sql::Literal;

/// Cells of one text that are named, columns of a table, and how deep lists in lists are followed.
const CELLS: usize = 8192;
const COLUMNS: usize = 256;
const DEPTH: usize = 32;

/// Keys of the list that names the columns, and of the name in an object that describes one.
const HEADS: &[&str] =
    &["columns", "cols", "column_names", "columnnames", "fields", "headers", "header", "head", "names", "keys"];
const NAMES: &[&str] = &["name", "field", "label", "title", "key", "header"];

/// An object or a list that is open.
#[derive(Default)]
struct Level {
    list: bool,
    /// The key it stands under.
    key: Range<usize>,
    /// The key of the next value.
    next: Range<usize>,
    /// The scalars of a list, or the names of the columns that its objects describe.
    items: Vec<Range<usize>>,
    /// It holds other lists, or objects.
    lists: bool,
    objects: bool,
}

/// The cells of the tables of a text, with the name of their column.
pub(super) fn cells(text: &[u8]) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut open: Vec<Level> = Vec::new();
    let mut names: Vec<Range<usize>> = Vec::new();
    let (mut row, mut n) = (0, 0);
    let word = |range: &Range<usize>, words: &[&str]| {
        let key = text.get(range.clone()).unwrap_or_default();
        words.iter().any(|word| key.eq_ignore_ascii_case(word.as_bytes()))
    };
    while found.len() < CELLS
        && let Some(byte) = text.get(n)
    {
        match byte {
            b'{' | b'[' => {
                if open.len() >= DEPTH {
                    return found;
                }
                let key = open.last_mut().map_or(0..0, |level| {
                    level.lists |= *byte == b'[';
                    level.objects |= *byte == b'{';
                    std::mem::take(&mut level.next)
                });
                open.push(Level { list: *byte == b'[', key, ..Level::default() });
            }
            b'}' => {
                open.pop();
            }
            b']' => {
                let Some(level) = open.pop().filter(|level| level.list) else { break };
                let scalar = !level.lists && !level.objects;
                if !level.lists && level.items.len() > 1 && word(&level.key, HEADS) {
                    names = level.items;
                } else if scalar && level.items.len() > 1 && open.last().is_some_and(|parent| parent.list) {
                    row += 1;
                    if names.len() != level.items.len() {
                        names =
                            if level.items.iter().all(|item| is_name(text, item)) { level.items } else { Vec::new() };
                    } else {
                        let cells = level.items.into_iter().zip(&names).filter(|(cell, _)| !cell.is_empty());
                        found.extend(cells.map(|(cell, name)| Literal::cell(cell, name.clone(), row)));
                    }
                }
            }
            b'"' => {
                let end = string_end(text, n + 1);
                let inside = n + 1..end;
                n = end;
                if colon(text, end + 1) {
                    if let Some(level) = open.last_mut() {
                        level.next = inside;
                    }
                } else {
                    scalar(&mut open, inside, &word);
                }
            }
            b',' => {
                if let Some(level) = open.last_mut() {
                    level.next = 0..0;
                }
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let rest = text.get(n..).unwrap_or_default();
                let length = rest.iter().position(|b| matches!(b, b',' | b']' | b'}' | b' ' | b'\r' | b'\n' | b'\t'));
                let end = n + length.unwrap_or(rest.len());
                scalar(&mut open, n..end, &word);
                n = end - 1;
            }
            _ => {}
        }
        n += 1;
    }
    found
}

/// A scalar: an item of the list it stands in, or the name of a column that an object of a list describes.
fn scalar(open: &mut [Level], value: Range<usize>, word: &impl Fn(&Range<usize>, &[&str]) -> bool) {
    let Some((level, above)) = open.split_last_mut() else { return };
    if level.list {
        if level.items.len() < COLUMNS {
            level.items.push(value);
        }
    } else if let Some(list) = above.last_mut()
        && list.list
        && word(&list.key, HEADS)
        && word(&level.next, NAMES)
        && level.items.is_empty()
    {
        // One name for each object.
        level.items.push(value.clone());
        if list.items.len() < COLUMNS {
            list.items.push(value);
        }
    }
}

/// Whether a value may name a column: a word, no number and no long text.
fn is_name(text: &[u8], value: &Range<usize>) -> bool {
    let bytes = text.get(value.clone()).unwrap_or_default();
    let first = bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'\\') || *b >= 0x80);
    first && bytes.len() <= 96 && !bytes.contains(&b'@') && at(text, value.end) == b'"'
}

/// Where a string ends.
fn string_end(text: &[u8], from: usize) -> usize {
    let mut n = from;
    while let Some(byte) = text.get(n) {
        match byte {
            b'\\' => n += 1,
            b'"' => break,
            _ => {}
        }
        n += 1;
    }
    n.min(text.len())
}

fn colon(text: &[u8], from: usize) -> bool {
    text.get(from..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::super::sql;
    use super::*;

    fn named(text: &str) -> Vec<String> {
        sql::named(text, cells)
    }

    #[test]
    fn rows_that_are_lists_have_the_names_of_the_columns() {
        let expected = ["id=7", "card no=4111", "id=8", "card no=5500"];
        for text in [
            r#"{"columns":["id","card no"],"rows":[[7,"4111"],[8,"5500"]]}"#,
            r#"{"fields": [{"name": "id", "type": "int"}, {"type": "x", "name": "card no"}], "data": [[7, "4111"], [8, "5500"]]}"#,
            r#"{"values":[["id","card no"],["7","4111"],["8","5500"]]}"#,
            r#"[["id","card no"],[7,"4111"],[8,"5500"]]"#,
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn other_lists_are_no_tables() {
        for text in [r#"{"a":["id","x"],"b":[1,2]}"#, "[[1,2],[3,4]]", r#"{"coordinates":[[1.5,2],[3,4]]}"#, "[[", "]]"]
        {
            assert_eq!(named(text), [""; 0], "{text}");
        }
    }
}
