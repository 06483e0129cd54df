//! Tables that are drawn in plain text, as the clients of databases and reports do: bars between the
//! cells (`| a | b |`), or columns of one width under names that a line of dashes or wide gaps set
//! apart. A value's name is far from it. A table that is cut has no names for what comes later.

use std::ops::Range;

use super::sql::Literal;

/// Cells of one text that are named, and the longest line.
const CELLS: usize = 8192;
const LINE: usize = 4096;

/// Columns of a table.
const COLUMNS: usize = 64;

/// How the cells of a line are told apart.
#[derive(Debug, Default)]
enum Layout {
    #[default]
    None,
    /// By bars: the names.
    Bars(Vec<Range<usize>>),
    /// By tabs, in the data of a PostgreSQL dump: the names.
    Tabs(Vec<Range<usize>>),
    /// By where they begin, in characters: the names.
    Places(Vec<(usize, Range<usize>)>),
}

/// The cells of the tables of a text, with the name of their column.
pub(super) fn cells(text: &[u8]) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut layout = Layout::None;
    let mut before: Option<Range<usize>> = None;
    // A table without a line under its names begins the text.
    if memchr::memmem::find(text, b"--").is_none() {
        layout = spaced(text);
    }
    let begun = !matches!(layout, Layout::None);
    for (row, line) in lines(text).enumerate().skip(usize::from(begun)) {
        if found.len() >= CELLS {
            break;
        }
        let bytes = text.get(line.clone()).unwrap_or_default();
        if let Some(names) = copied(text, &line) {
            layout = Layout::Tabs(names);
            continue;
        }
        if let Some(dashes) = ruled(bytes) {
            // The line under the names; one above them, between rows or below the last says nothing.
            if let Some(names) = before.take() {
                layout = named(text, &names, line.start, dashes).unwrap_or(layout);
            }
            continue;
        }
        let fresh = matches!(layout, Layout::None);
        match &layout {
            Layout::None => {}
            Layout::Bars(names) if bytes.contains(&b'|') => {
                let cells: Vec<_> = barred(text, &line).collect();
                if let ([name, value], true) = (cells.as_slice(), beside(text, names)) {
                    found.push(Literal::cell(value.clone(), name.clone(), row));
                    continue;
                }
                let cells = cells.into_iter();
                found.extend(
                    cells
                        .zip(names)
                        .filter(|(cell, _)| !cell.is_empty())
                        .map(|(c, n)| Literal::cell(c, n.clone(), row)),
                );
            }
            Layout::Tabs(names) if bytes != br"\." => {
                let cells = parted(text, line.clone(), b'\t').zip(names).filter(|(cell, _)| !cell.is_empty());
                found.extend(cells.map(|(cell, name)| Literal::cell(cell, name.clone(), row)));
            }
            Layout::Places(names) if !bytes.is_empty() => placed(text, &line, names, row, &mut found),
            _ => layout = Layout::None,
        }
        before = (fresh && !bytes.is_empty()).then_some(line);
    }
    found
}

/// The lines of a text, without their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    text.split_inclusive(|b| *b == b'\n').map(move |line| {
        let start = from;
        from += line.len();
        start..start + line.trim_ascii_end().len()
    })
}

/// What a line of dashes is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dashes {
    /// Crosses or bars between them, or one piece.
    Bars,
    /// Gaps.
    Gaps,
}

/// Whether a line is drawn: `+----+----+`, `|:---|---|`, `---- ----`.
fn ruled(line: &[u8]) -> Option<Dashes> {
    let line = line.get(..LINE).unwrap_or(line);
    let drawn = |b: &u8| matches!(b, b'-' | b'=' | b'+' | b'|' | b':' | b' ' | b'\t');
    if line.first().is_none_or(|first| !drawn(first)) {
        return None;
    }
    let dashes = line.iter().filter(|b| matches!(b, b'-' | b'=')).count();
    let crosses = line.iter().any(|b| matches!(b, b'+' | b'|'));
    (dashes >= 3 && line.iter().all(drawn)).then_some(if crosses { Dashes::Bars } else { Dashes::Gaps })
}

/// The columns that a line names, with the line of dashes that begins at `under` below it.
fn named(text: &[u8], line: &Range<usize>, under: usize, dashes: Dashes) -> Option<Layout> {
    if dashes == Dashes::Bars {
        let names: Vec<_> = barred(text, line).take(COLUMNS).collect();
        return (names.len() > 1).then_some(Layout::Bars(names));
    }
    let rest = text.get(under..)?;
    let rule = rest.get(..rest.iter().take(LINE).position(|b| *b == b'\n').unwrap_or(rest.len()))?;
    let starts = (0..rule.len()).filter(|n| rule.get(*n) != Some(&b' ') && (*n == 0 || rule.get(n - 1) == Some(&b' ')));
    let starts: Vec<usize> = starts.take(COLUMNS).collect();
    let places = at_places(text, line, &starts)?;
    (places.len() > 1).then_some(Layout::Places(starts.into_iter().zip(places).collect()))
}

/// A first line of names that stand apart by two blanks or more, over a line whose values begin in the
/// same places.
fn spaced(text: &[u8]) -> Layout {
    let mut lines = lines(text);
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return Layout::None };
    let Some(line) = text.get(first.clone()).filter(|line| line.len() <= LINE) else { return Layout::None };
    let mut starts = Vec::new();
    let (mut at, mut gap) = (0, 2);
    for byte in line.iter().filter(|b| **b & 0xc0 != 0x80) {
        if *byte == b' ' {
            gap += 1;
        } else {
            if gap >= 2 {
                starts.push(at);
            }
            gap = 0;
        }
        at += 1;
    }
    let (Some(names), Some(values)) = (at_places(text, &first, &starts), at_places(text, &second, &starts)) else {
        return Layout::None;
    };
    let word = |name: &Range<usize>| {
        let name = text.get(name.clone()).unwrap_or_default();
        name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b >= 0x80) && name.len() <= 64
    };
    let filled = values.iter().filter(|value| !value.is_empty()).count();
    let apart = text.get(second).is_some_and(|line| memchr::memmem::find(line.trim_ascii(), b"  ").is_some());
    let table = starts.len() > 1 && names.iter().all(word) && apart && filled > 1 && filled + 1 >= starts.len();
    if table { Layout::Places(starts.into_iter().zip(names).collect()) } else { Layout::None }
}

/// The names of the columns of `COPY table (a, b) FROM stdin;`.
fn copied(text: &[u8], line: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let bytes = text.get(line.clone()).filter(|line| line.starts_with(b"COPY ") && line.ends_with(b"FROM stdin;"))?;
    let (open, close) = (memchr::memchr(b'(', bytes)?, memchr::memrchr(b')', bytes)?);
    text.get(line.start + open + 1..line.start + close)?;
    Some(parted(text, line.start + open + 1..line.start + close, b',').take(COLUMNS).collect())
}

/// The parts of a range between separators, without the white space around them.
fn parted(text: &[u8], range: Range<usize>, separator: u8) -> impl Iterator<Item = Range<usize>> {
    let mut from = range.start;
    text.get(range).unwrap_or_default().split(move |b| *b == separator).map(move |part| {
        let start = from;
        from += part.len() + 1;
        trimmed(text, start..start + part.len())
    })
}

/// Of a table with two columns of which the second one holds values of all kinds, the name of a value is
/// beside it, not above.
pub(super) fn beside(text: &[u8], names: &[Range<usize>]) -> bool {
    const VALUES: &[&str] = &[
        "value",
        "values",
        "wert",
        "valeur",
        "valor",
        "valore",
        "waarde",
        "värde",
        "verdi",
        "værdi",
        "arvo",
        "wartość",
        "hodnota",
        "érték",
        "valoare",
        "значение",
        "значення",
        "vrijednost",
        "vrednost",
        "τιμή",
        "değer",
        "值",
        "値",
        "값",
        "content",
        "data",
        "inhalt",
        "angabe",
    ];
    let [_, value] = names else { return false };
    let name = String::from_utf8_lossy(text.get(value.clone()).unwrap_or_default()).to_lowercase();
    VALUES.contains(&name.as_str())
}

/// The cells of a line between bars.
fn barred<'a>(text: &'a [u8], line: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let bytes = text.get(line.clone()).unwrap_or_default();
    let outer = bytes.iter().position(|b| !b.is_ascii_whitespace()).filter(|n| bytes.get(*n) == Some(&b'|'));
    let mut from = line.start + outer.map_or(0, |n| n + 1);
    let end = line.end - usize::from(outer.is_some() && bytes.ends_with(b"|") && line.end > from);
    text.get(from..end).unwrap_or_default().split(|b| *b == b'|').map(move |cell| {
        let start = from;
        from += cell.len() + 1;
        trimmed(text, start..start + cell.len())
    })
}

/// The cells of a line that begin at these characters; `None` when something stands across a beginning.
fn at_places(text: &[u8], line: &Range<usize>, starts: &[usize]) -> Option<Vec<Range<usize>>> {
    let bytes = text.get(line.clone())?;
    let mut offsets = Vec::with_capacity(starts.len());
    let mut wanted = starts.iter().peekable();
    let begins = bytes.iter().enumerate().filter(|(_, b)| **b & 0xc0 != 0x80).map(|(n, _)| n);
    for (at, offset) in begins.enumerate() {
        if wanted.peek() == Some(&&at) {
            if offset > 0 && bytes.get(offset - 1) != Some(&b' ') {
                return None;
            }
            offsets.push(line.start + offset);
            wanted.next();
        }
    }
    offsets.resize(starts.len(), line.end);
    let ends = offsets.iter().skip(1).copied().chain([line.end]);
    Some(offsets.iter().zip(ends).map(|(start, end)| trimmed(text, *start..end)).collect())
}

fn placed(text: &[u8], line: &Range<usize>, names: &[(usize, Range<usize>)], row: usize, found: &mut Vec<Literal>) {
    let starts: Vec<usize> = names.iter().map(|(start, _)| *start).collect();
    let Some(cells) = at_places(text, line, &starts) else { return };
    let cells = cells.into_iter().zip(names).filter(|(cell, _)| !cell.is_empty());
    found.extend(cells.map(|(cell, (_, name))| Literal::cell(cell, name.clone(), row)));
}

/// A part without the white space around it.
fn trimmed(text: &[u8], part: Range<usize>) -> Range<usize> {
    let bytes = text.get(part.clone()).unwrap_or_default();
    let start = part.start + bytes.len() - bytes.trim_ascii_start().len();
    let end = (part.start + bytes.trim_ascii_end().len()).max(start);
    start..end
}

#[cfg(test)]
mod tests {
    use super::super::sql;
    use super::*;

    fn named(text: &str) -> Vec<String> {
        sql::named(text, cells)
    }

    #[test]
    fn tables_of_database_clients_name_their_cells() {
        let expected = ["id=7", "card no=4111 1111", "id=8", "card no=5500"];
        for text in [
            "+----+-----------+\n| id | card no   |\n+----+-----------+\n| 7  | 4111 1111 |\n| 8  | 5500      |\n+----+-----------+\n2 rows\n",
            " id | card no\n----+-----------\n  7 | 4111 1111\n  8 | 5500\n(2 rows)\n",
            "| id | card no |\n|---:|---------|\n| 7 | 4111 1111 |\n| 8 | 5500 |\n\n| x |\n",
            "id   card no\n---- ---------\n7    4111 1111\n8    5500\n\nx    y\n",
            "id    card no\n7     4111 1111\n8     5500\n",
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn columns_begin_at_characters_not_at_bytes() {
        let text = "Имя    Телефон\nЁжик   916\nŽ      917\n";
        assert_eq!(named(text), ["Имя=Ёжик", "Телефон=916", "Имя=Ž", "Телефон=917"]);
    }

    #[test]
    fn other_text_is_no_table() {
        for text in
            ["Heading\n-------\nand text\n", "a  b\nno columns here\n", "--\nx\n", "x | y\nno rule\n", "one line  two"]
        {
            assert_eq!(named(text), [""; 0], "{text}");
        }
    }
}
