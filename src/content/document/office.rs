//! Office documents: the paragraphs and tables of Word, PowerPoint and OpenDocument files, and the
//! sheets of Excel workbooks (ECMA-376 parts 1 and 2, ISO/IEC 26300). Their XML cuts words wherever
//! the writer changed the font, so it is read rather than searched.

use super::xml::{Part, attribute, parts};
use crate::content::carrier::Carrier;
use crate::content::entity;
use crate::model::event::{EventSink, Format};
use crate::model::limits;

/// Columns of a sheet that are read.
const COLUMNS: usize = 256;

/// Says the text of a part of a document that holds what people wrote. Says whether it is one.
pub(super) fn document(name: &str, content: &[u8], carrier: &Carrier<'_>, out: &mut dyn EventSink) -> bool {
    let xml = name.ends_with(".xml");
    let word = name.starts_with("word/") && !name.contains("theme") && !name.ends_with("styles.xml");
    let slides =
        name.starts_with("ppt/slides/") || name.starts_with("ppt/notesSlides/") || name.starts_with("ppt/comments/");
    let open = name == "content.xml";
    if !xml || name.contains("_rels") || !(word || slides || open) {
        return false;
    }
    let Pages { text, tables } = pages(content);
    carrier.text(Format::Plain, text.as_bytes(), out);
    for table in tables {
        carrier.text(Format::Csv, table.as_bytes(), out);
    }
    true
}

/// What is in a document.
#[derive(Debug, Default)]
struct Pages {
    /// A paragraph a line, and tables of two columns as `name: value`.
    text: String,
    /// Other tables, with tabs between the cells.
    tables: Vec<String>,
}

fn pages(content: &[u8]) -> Pages {
    let mut pages = Pages::default();
    let mut tables: Vec<Vec<Vec<String>>> = Vec::new();
    for part in parts(content) {
        let deep = tables.len() >= limits::NESTING;
        let cell = tables.last_mut().and_then(|rows| rows.last_mut()).and_then(|row| row.last_mut());
        match part {
            Part::Text(text) => {
                let text = entity::decode(text);
                let text = String::from_utf8_lossy(&text);
                match cell {
                    Some(cell) => cell.push_str(&text),
                    None => pages.text.push_str(&text),
                }
            }
            Part::Open(name, _) => match local(name) {
                b"tbl" | b"table" if !deep => tables.push(Vec::new()),
                b"tr" | b"table-row" => {
                    if let Some(rows) = tables.last_mut() {
                        rows.push(Vec::new());
                    }
                }
                b"tc" | b"table-cell" => {
                    if let Some(row) = tables.last_mut().and_then(|rows| rows.last_mut()) {
                        row.push(String::new());
                    }
                }
                b"tab" | b"br" | b"line-break" => match cell {
                    Some(cell) => cell.push(' '),
                    None => pages.text.push(if local(name) == b"tab" { '\t' } else { '\n' }),
                },
                _ => {}
            },
            Part::Close(name) => match local(name) {
                b"p" | b"h" => match cell {
                    Some(cell) => cell.push(' '),
                    None => pages.text.push('\n'),
                },
                b"tbl" | b"table" => {
                    if let Some(rows) = tables.pop() {
                        pages.table(&rows);
                    }
                }
                _ => {}
            },
        }
    }
    for rows in tables {
        pages.table(&rows);
    }
    pages
}

impl Pages {
    fn table(&mut self, rows: &[Vec<String>]) {
        if rows.iter().all(|row| row.len() <= 2) {
            for row in rows {
                let cells: Vec<_> = row.iter().map(|cell| cell.trim().trim_end_matches(':')).collect();
                self.text.push_str(&cells.join(": "));
                self.text.push('\n');
            }
        } else {
            self.tables.push(lines(rows.iter().map(Vec::as_slice)));
        }
    }
}

/// Rows of cells as lines with tabs between them.
fn lines<'a>(rows: impl Iterator<Item = &'a [String]>) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.trim().replace(['\t', '\n', '\r'], " ")).collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}

/// A name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    let colon = memchr::memchr(b':', name).map_or(0, |n| n + 1);
    name.get(colon..).unwrap_or(name)
}

/// The parts of an Excel workbook, which name each other: its sheets point into a list of strings that
/// may come after them.
#[derive(Debug, Default)]
pub(super) struct Book {
    strings: Vec<String>,
    sheets: Vec<(String, Vec<u8>)>,
    held: usize,
}

impl Book {
    /// Takes a file of an archive. Says whether it is part of a workbook.
    pub(super) fn take(&mut self, name: &str, content: &[u8]) -> bool {
        if name == "xl/sharedStrings.xml" {
            self.strings = strings(content);
        } else if name.starts_with("xl/worksheets/") && name.ends_with(".xml") {
            self.held += content.len();
            if self.held <= limits::DOCUMENT_TEXT_BYTES {
                self.sheets.push((name.to_owned(), content.to_vec()));
            }
        } else {
            return name.starts_with("xl/") && (name.ends_with("styles.xml") || name.contains("theme"));
        }
        true
    }

    /// Says the sheets as tables.
    pub(super) fn say(&self, carrier: &Carrier<'_>, out: &mut dyn EventSink) {
        for (name, content) in &self.sheets {
            let resource =
                if carrier.resource.is_empty() { name.clone() } else { format!("{}/{name}", carrier.resource) };
            let carrier = Carrier { resource: &resource, ..*carrier };
            let rows = self.rows(content);
            carrier.text(Format::Csv, lines(rows.iter().map(Vec::as_slice)).as_bytes(), out);
        }
    }

    fn rows(&self, content: &[u8]) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut kind = String::new();
        let mut column = 0;
        let mut value = false;
        for part in parts(content) {
            match part {
                Part::Open(name, attributes) => match local(name) {
                    b"row" => rows.push(Vec::new()),
                    b"c" => {
                        kind = attribute(attributes, "t").unwrap_or_default();
                        let next = rows.last().map_or(0, Vec::len);
                        column = attribute(attributes, "r").and_then(|r| place(&r)).unwrap_or(next).min(COLUMNS);
                    }
                    b"v" | b"t" => value = true,
                    _ => {}
                },
                Part::Close(name) => value &= !matches!(local(name), b"v" | b"t"),
                Part::Text(text) if value => {
                    let text = String::from_utf8_lossy(&entity::decode(text)).into_owned();
                    let text = match kind.as_str() {
                        "s" => text.trim().parse().ok().and_then(|n: usize| self.strings.get(n)).cloned(),
                        "" | "n" => Some(number(&text)),
                        _ => Some(text),
                    };
                    if let (Some(row), Some(text)) = (rows.last_mut(), text) {
                        if row.len() <= column {
                            row.resize(column + 1, String::new());
                        }
                        if let Some(cell) = row.get_mut(column) {
                            cell.push_str(&text);
                        }
                    }
                }
                Part::Text(_) => {}
            }
        }
        rows
    }
}

/// `4.111111111111111E15` as a person would write it.
fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if text.contains(['E', 'e']) && number.fract() == 0.0 && number.abs() < 1e18 => {
            (number as i64).to_string()
        }
        _ => text.to_owned(),
    }
}

/// The column of a cell, counted from 0: `AB12` is 27.
fn place(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase).take(3);
    letters.fold(0, |n, letter| n * 26 + usize::from(letter - b'A') + 1).checked_sub(1)
}

fn strings(content: &[u8]) -> Vec<String> {
    let mut strings: Vec<String> = Vec::new();
    let mut inside = false;
    for part in parts(content) {
        match part {
            Part::Open(name, _) => match local(name) {
                b"si" => strings.push(String::new()),
                b"t" => inside = true,
                // How it is pronounced.
                b"rPh" => inside = false,
                _ => {}
            },
            Part::Close(name) => inside &= local(name) != b"t",
            Part::Text(text) if inside => {
                if let Some(last) = strings.last_mut() {
                    last.push_str(&String::from_utf8_lossy(&entity::decode(text)));
                }
            }
            Part::Text(_) => {}
        }
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cut_by_fonts_are_joined_and_tables_have_names() {
        let text = b"<w:document><w:p><w:r><w:t>IBAN DE89 37</w:t></w:r><w:r><w:t>04</w:t></w:r></w:p>\
            <w:tbl><w:tr><w:tc><w:p><w:t>SSN:</w:t></w:p></w:tc><w:tc><w:p><w:t>536-90-4399</w:t></w:p></w:tc></w:tr></w:tbl>\
            <w:tbl><w:tr><w:tc><w:t>a</w:t></w:tc><w:tc><w:t>b</w:t></w:tc><w:tc><w:t>c&amp;</w:t></w:tc></w:tr></w:tbl>";
        let pages = pages(text);
        assert_eq!(pages.text, "IBAN DE89 3704\nSSN: 536-90-4399\n");
        assert_eq!(pages.tables, ["a\tb\tc&\n"]);
    }

    #[test]
    fn a_sheet_becomes_a_table() {
        let mut book = Book::default();
        let sheet = b"<sheetData><row><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"s\"><v>1</v></c></row>\
            <row><c r=\"A2\" t=\"inlineStr\"><is><t>Eva</t></is></c><c r=\"C2\"><v>4.111111111111111E15</v></c></row></sheetData>";
        assert!(book.take("xl/worksheets/sheet1.xml", sheet));
        let strings = b"<sst><si><t>Name</t></si><si><r><t>Card </t></r><r><t>no</t></r></si></sst>";
        assert!(book.take("xl/sharedStrings.xml", strings));
        let rows = book.rows(&book.sheets[0].1);
        assert_eq!(lines(rows.iter().map(Vec::as_slice)), "Name\t\tCard no\nEva\t\t4111111111111111\n");
        assert_eq!((place("AB12"), place("12")), (Some(27), None));
    }
}
