//! The text of PDF files (ISO 32000-1): the strings that the text operators of their content streams
//! show (section 9.4). Fonts that number their glyphs without saying which letters they are cannot be
//! read; neither can encrypted files.

use super::unpack;
use crate::content::carrier::Carrier;
use crate::content::coding::Coding;
use crate::content::sniff;
use crate::model::event::{EventSink, Format, Skip};

/// Streams of one file that are read.
const STREAMS: usize = 4096;

/// Bytes before a stream in which its dictionary stands.
const DICTIONARY: usize = 1024;

/// A move to the left by this many thousandths of a letter's height stands for a space.
const SPACE: f64 = -180.0;

/// Says the text of a file.
pub(super) fn read(bytes: &[u8], carrier: &Carrier<'_>, room: &mut usize, out: &mut dyn EventSink) {
    if memchr::memmem::find(bytes, b"/Encrypt ").is_some() {
        carrier.skipped(Skip::Sealed, bytes.len(), out);
        return;
    }
    let mut text = Vec::new();
    let mut skipped = 0;
    let mut from = 0;
    for _ in 0..STREAMS {
        let Some(found) = bytes.get(from..).and_then(|rest| memchr::memmem::find(rest, b"stream")) else { break };
        let at = from + found;
        let head = bytes.get(at.saturating_sub(DICTIONARY).max(from)..at).unwrap_or_default();
        let own = memchr::memmem::rfind(head, b" obj").unwrap_or(0);
        let head = head.get(own..).unwrap_or_default();
        let start = at + b"stream".len();
        let rest = bytes.get(start..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        let content = rest.strip_prefix(b"\n").unwrap_or(rest);
        let end = memchr::memmem::find(content, b"endstream").unwrap_or(content.len());
        let packed = content.get(..end).unwrap_or_default();
        from = bytes.len() - content.len() + end + b"endstream".len();
        let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
        let plain = if has(b"/FlateDecode") || has(b"/Fl ") {
            unpack(Coding::Deflate, packed, room).0
        } else if has(b"/Filter") {
            Vec::new()
        } else {
            packed.to_vec()
        };
        if has(b"/Image") || has(b"/FontFile") || memchr::memmem::find(&plain, b"BT").is_none() {
            skipped += packed.len();
        } else {
            show(&plain, &mut text);
        }
    }
    if sniff::is_text(&text) {
        carrier.text(Format::Plain, &text, out);
    } else {
        skipped += text.len();
    }
    carrier.skipped(Skip::Binary, skipped, out);
}

/// Appends what a content stream shows.
fn show(content: &[u8], into: &mut Vec<u8>) {
    let mut rest = content;
    let mut shown = Vec::new();
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'(' => {
                rest = literal(after, &mut shown);
                continue;
            }
            b'<' if !after.starts_with(b"<") => {
                let end = memchr::memchr(b'>', after).unwrap_or(after.len());
                hexadecimal(after.get(..end).unwrap_or_default(), &mut shown);
                rest = after.get(end + 1..).unwrap_or_default();
                continue;
            }
            b'-' | b'0'..=b'9' => {
                let end = rest.iter().position(|b| !matches!(b, b'-' | b'.' | b'0'..=b'9')).unwrap_or(rest.len());
                let number = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default();
                if !shown.is_empty() && number.parse::<f64>().is_ok_and(|n| n < SPACE) {
                    shown.push(b' ');
                }
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'\'' | b'"' => {
                let word = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'*' | b'\'' | b'"');
                let end = rest.iter().position(|b| !word(b)).unwrap_or(rest.len());
                match rest.get(..end).unwrap_or_default() {
                    b"Tj" | b"TJ" => into.append(&mut shown),
                    b"'" | b"\"" => {
                        into.push(b'\n');
                        into.append(&mut shown);
                    }
                    b"Td" | b"TD" | b"T*" | b"Tm" | b"ET" if into.last().is_some_and(|b| *b != b'\n') => {
                        into.push(b'\n')
                    }
                    _ => shown.clear(),
                }
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
            _ => {}
        }
        rest = after;
    }
}

/// Appends a string in parentheses (section 7.3.4.2); gives what follows it.
fn literal<'a>(text: &'a [u8], into: &mut Vec<u8>) -> &'a [u8] {
    let mut depth = 0;
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => {
                let Some((escaped, after)) = rest.split_first() else { break };
                rest = after;
                match escaped {
                    b'n' | b'r' | b'\n' => into.push(b'\n'),
                    b't' => into.push(b'\t'),
                    b'0'..=b'7' => {
                        let digits = after.iter().take(2).take_while(|b| matches!(b, b'0'..=b'7')).count();
                        let more = after.get(..digits).unwrap_or_default();
                        let code = more.iter().fold(u32::from(escaped - b'0'), |n, d| n * 8 + u32::from(d - b'0'));
                        into.extend(u8::try_from(code));
                        rest = after.get(digits..).unwrap_or_default();
                    }
                    other => into.push(*other),
                }
            }
            b'(' => {
                depth += 1;
                into.push(b'(');
            }
            b')' if depth == 0 => break,
            b')' => {
                depth -= 1;
                into.push(b')');
            }
            other => into.push(*other),
        }
    }
    rest
}

fn hexadecimal(digits: &[u8], into: &mut Vec<u8>) {
    let digits: Vec<u8> = digits.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|d| d as u8).collect();
    into.extend(digits.chunks(2).map(|pair| match pair {
        [high, low] => high << 4 | low,
        [high] => high << 4,
        _ => 0,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: &str) -> String {
        let mut text = Vec::new();
        show(content.as_bytes(), &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn strings_are_joined_and_lines_kept() {
        let content =
            "BT /F1 12 Tf 72 720 Td (Card \\(Visa\\):) Tj T* [(41) 20 (11) -250 (1111)] TJ 0 -14 Td <53534E> Tj ET";
        assert_eq!(shown(content), "Card (Visa):\n4111 1111\nSSN\n");
        assert_eq!(shown("BT (a\\101\\n(b)) Tj (cut"), "aA\n(b)");
    }
}
