//! Files that banks exchange, of lines with values at fixed places or between commas: NACHA (payments in the
//! USA), Standard 18 of BACS (payments in Great Britain), BAI2 (statements).

use std::ops::Range;

use super::{Say, split};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bank {
    Bacs,
    Bai2,
    Nacha,
}

/// Shortest line of a file of NACHA (94) or BACS (100) without the blanks at its end.
const LINE: usize = 60;

/// Lines of a file of BACS that may be labels.
const LABELS: usize = 6;

/// The kind of file that a text begins.
pub(super) fn begins(text: &[u8]) -> Option<Bank> {
    let first = lines(text).next().and_then(|line| text.get(line))?;
    match first {
        // Record type, priority, who it is for; the record's size and blocking factor stand at the end.
        [b'1', b'0', b'1', ..] if first.get(34..37) == Some(b"094") && first.get(37..39) == Some(b"10") => {
            Some(Bank::Nacha)
        }
        [b'0', b'1', b',', rest @ ..] => {
            let date = rest.split(|b| *b == b',').nth(2)?;
            let ends = matches!(first.last(), Some(b'/'));
            (ends && date.len() == 6 && digits(date)).then_some(Bank::Bai2)
        }
        [b'V', b'O', b'L', b'1', ..] => {
            let payment = |line: Range<usize>| text.get(line).is_some_and(is_payment);
            lines(text).skip(1).take(LABELS).any(payment).then_some(Bank::Bacs)
        }
        _ => None,
    }
}

/// The accounts and persons of a file.
pub(super) fn values(text: &[u8], bank: Bank, say: &mut Say<'_>) {
    // The class of a batch of NACHA: entries abroad are laid out otherwise.
    let mut abroad = false;
    for line in lines(text) {
        let bytes = text.get(line.clone()).unwrap_or_default();
        let part = |range: Range<usize>| {
            let own = bytes.get(range.start..range.end.min(bytes.len())).unwrap_or_default();
            let start = line.start + range.start + (own.len() - own.trim_ascii_start().len());
            start..start + own.trim_ascii().len()
        };
        match (bank, bytes.first()) {
            (Bank::Nacha, Some(b'5')) => abroad = bytes.get(50..53) == Some(b"IAT"),
            (Bank::Nacha, Some(b'6')) if bytes.len() >= LINE => {
                say("6.routing number".to_owned(), part(3..12));
                say("6.account number".to_owned(), if abroad { part(39..74) } else { part(12..29) });
                if !abroad {
                    say("6.individual".to_owned(), part(39..54));
                }
            }
            (Bank::Nacha, Some(b'7')) => say("7.addenda".to_owned(), part(3..83)),
            (Bank::Bacs, _) if is_payment(bytes) => {
                say("sort code".to_owned(), part(0..6));
                say("account number".to_owned(), part(6..14));
                say("originating.account number".to_owned(), part(23..31));
            }
            (Bank::Bai2, _) => record(text, line, say),
            _ => {}
        }
    }
}

/// A record of BAI2: a code, then values between commas, a slash at the end.
fn record(text: &[u8], line: Range<usize>, say: &mut Say<'_>) {
    let values: Vec<_> = split(text, line, b',', None).collect();
    let code = values.first().and_then(|code| text.get(code.clone())).unwrap_or_default();
    let name = match code {
        b"01" | b"02" => "routing number",
        b"03" => "account number",
        b"16" | b"88" => "text",
        _ => return,
    };
    let code = String::from_utf8_lossy(code);
    let persons = if name == "routing number" { 2 } else { 1 };
    let told = if name == "text" { values.get(1..) } else { values.get(1..=persons) };
    for value in told.unwrap_or_default() {
        say(format!("{code}.{name}"), value.clone());
    }
}

/// Whether a line of BACS is a payment: sort code, account, type, transaction code, sort code and account of who
/// gave the order.
fn is_payment(line: &[u8]) -> bool {
    line.len() >= LINE && line.get(..31).is_some_and(digits)
}

fn digits(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

/// Where the lines are, without their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    split(text, 0..text.len(), b'\n', None).map(|line| {
        let end = line.end - usize::from(text.get(line.clone()).is_some_and(|l| l.ends_with(b"\r")));
        line.start..end
    })
}
