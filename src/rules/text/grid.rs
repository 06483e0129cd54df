//! Tables of HTML, whose first row names the columns (`<th>`, or the cells of `<thead>`), and worksheets
//! in XML (SpreadsheetML), whose first row does so, too: a value's name is far from it. A table that is cut has no names for what comes later.

use std::ops::Range;

use super::columns::beside;
use super::sql::Literal;

/// Cells of one text that are named.
const CELLS: usize = 8192;

/// Columns of a table.
const COLUMNS: usize = 64;

/// The cells of the tables of a page, with the name of their column.
pub(super) fn cells(text: &[u8]) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut columns: Vec<Range<usize>> = Vec::new();
    let (mut column, mut row, mut heading) = (0, 0, false);
    // Cells of HTML say themselves that they are headings, those of a worksheet's first row are.
    let mut fresh = false;
    let mut first = 0..0;
    let mut from = 0;
    while found.len() < CELLS
        && let Some(open) = text.get(from..).and_then(|rest| memchr::memchr(b'<', rest)).map(|n| from + n)
    {
        let head = text.get(open + 1..).unwrap_or_default();
        let name = head.iter().take(8).take_while(|b| b.is_ascii_alphanumeric() || **b == b'/').count();
        let tag = head.get(..name).unwrap_or_default();
        from = open + 1 + name;
        let is = |word: &str| tag.eq_ignore_ascii_case(word.as_bytes());
        if is("table") || is("/table") {
            columns.clear();
            fresh = true;
        } else if is("tr") || is("row") {
            (column, heading) = (0, false);
            row += 1;
            fresh &= columns.is_empty();
        } else if is("th") || is("td") || is("cell") {
            let Some(inside) = content(text, from) else { continue };
            if is("th") || is("cell") && fresh {
                // Headings of rows follow the first row of a table; they name nothing below them.
                if column == 0 && !heading {
                    columns.clear();
                }
                heading = true;
                if columns.len() < COLUMNS {
                    columns.push(inside);
                }
            } else if !heading && !inside.is_empty() {
                if column == 0 {
                    first = inside.clone();
                }
                let own = (column == 1 && beside(text, &columns)).then_some(&first);
                if let Some(name) = own.or_else(|| columns.get(column)) {
                    found.push(Literal::cell(inside, name.clone(), row));
                }
            }
            column += 1;
        }
    }
    found
}

/// The text of a cell from after the name of its tag: without the elements around it.
fn content(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut start = from;
    loop {
        start += memchr::memchr(b'>', text.get(start..)?)? + 1;
        let rest = text.get(start..)?;
        start += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        if text.get(start..)?.first() != Some(&b'<') || text.get(start + 1) == Some(&b'/') {
            break;
        }
    }
    let end = start + memchr::memchr(b'<', text.get(start..)?)?;
    let inside = text.get(start..end)?;
    Some(start..start + inside.trim_ascii_end().len())
}

#[cfg(test)]
mod tests {
    use super::super::sql;
    use super::*;

    fn named(text: &str) -> Vec<String> {
        sql::named(text, cells)
    }

    #[test]
    fn cells_have_the_names_of_their_columns() {
        let text = "<table><thead><tr><th>Name</th><th><b>Card no</b></th></tr></thead>\
            <tr><td>Eva</td><td class=x><span>4111</span></td></tr><tr><td></td><td>5500</td></tr></table>\
            <table><tr><td>1</td></tr></table>";
        assert_eq!(named(text), ["Name=Eva", "Card no=4111", "Card no=5500"]);
        for cut in 0..text.len() {
            let _ = (named(&text[..cut]), named(&text[cut..]));
        }
    }

    #[test]
    fn the_first_row_of_a_worksheet_names_its_columns() {
        let text = "<Table><Row><Cell><Data ss:Type='String'>Name</Data></Cell><Cell><Data>SSN</Data></Cell></Row>\
            <Row><Cell><Data>Eva</Data></Cell><Cell><Data>536</Data></Cell></Row></Table>";
        assert_eq!(named(text), ["Name=Eva", "SSN=536"]);
    }

    #[test]
    fn headings_of_rows_name_no_columns() {
        assert_eq!(named("<table><tr><th>SSN</th><td>1</td></tr><tr><th>PIN</th><td>2</td></tr></table>"), [""; 0]);
    }
}
