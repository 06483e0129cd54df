//! Electronic data interchange: ANSI X12 (the health care and payment transactions) and UN/EDIFACT.

use std::ops::Range;

use super::{Say, split};

/// The signs of an interchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    element: u8,
    component: u8,
    segment: u8,
    release: Option<u8>,
}

/// The interchange header of X12 has a fixed length, and its own signs at fixed places.
const ISA: usize = 106;

/// The signs of an X12 interchange, by its header.
pub(super) fn x12(text: &[u8]) -> Option<Signs> {
    let text = text.trim_ascii_start();
    let head = text.get(..ISA).filter(|head| head.starts_with(b"ISA"))?;
    let (element, component, segment) = (*head.get(3)?, *head.get(104)?, *head.get(105)?);
    let elements = head.iter().filter(|b| **b == element).count();
    (elements == 16 && !element.is_ascii_alphanumeric()).then_some(Signs { element, component, segment, release: None })
}

/// The signs of an EDIFACT interchange: those it declares, or the usual ones.
pub(super) fn edifact(text: &[u8]) -> Option<Signs> {
    if let Some([component, element, _, release, _, segment, rest @ ..]) = text.strip_prefix(b"UNA") {
        let signs = Signs { element: *element, component: *component, segment: *segment, release: Some(*release) };
        return rest.trim_ascii_start().starts_with(b"UNB").then_some(signs);
    }
    let rest = text.strip_prefix(b"UNB+UNO")?;
    let usual = Signs { element: b'+', component: b':', segment: b'\'', release: Some(b'?') };
    (rest.get(1) == Some(&b':')).then_some(usual)
}

/// A segment: its elements, the first of which is its name.
type Segment = Vec<Range<usize>>;

fn segments(text: &[u8], signs: &Signs, mut each: impl FnMut(&str, &Segment)) {
    for segment in split(text, 0..text.len(), signs.segment, signs.release) {
        let white = text.get(segment.clone()).unwrap_or_default();
        let start = segment.end - white.trim_ascii_start().len();
        let elements: Segment = split(text, start..segment.end, signs.element, signs.release).collect();
        let name = elements.first().and_then(|name| text.get(name.clone())).unwrap_or_default();
        if matches!(name.len(), 2 | 3) && name.iter().all(u8::is_ascii_alphanumeric) {
            each(&String::from_utf8_lossy(name), &elements);
        }
    }
}

/// The values of X12 segments. A code before an element often says what it is.
pub(super) fn x12_values(text: &[u8], signs: &Signs, say: &mut Say<'_>) {
    segments(text, signs, |name, elements| {
        if matches!(name, "ISA" | "GS" | "GE" | "IEA" | "ST" | "SE") {
            return;
        }
        let part = |n: usize| elements.get(n).and_then(|r| text.get(r.clone())).unwrap_or_default();
        for (n, element) in elements.iter().enumerate().skip(1) {
            let code = part(n - 1);
            let meaning = match (name, n) {
                ("NM1", 9) => identifier(code),
                ("REF", 2) => reference(code),
                ("DMG", 2) => "birth date",
                ("PER", 4 | 6 | 8) => contact(code),
                ("BPR", 7 | 13) if code == b"01" => "routing number",
                ("BPR", 9 | 15) => "account number",
                ("N1", 4) if code == b"XX" => "npi",
                _ => "",
            };
            let name = if meaning.is_empty() { format!("{name}-{n}") } else { format!("{name}-{n}.{meaning}") };
            say(name, element.clone());
        }
    });
}

/// Data element 66, of a person or an organisation.
fn identifier(code: &[u8]) -> &'static str {
    match code {
        b"34" | b"SY" => "ssn",
        b"XX" => "npi",
        b"HN" => "medicare number",
        b"MI" | b"MR" | b"EI" | b"II" | b"N" | b"C1" => "insurance member number",
        _ => "",
    }
}

/// Data element 128.
fn reference(code: &[u8]) -> &'static str {
    match code {
        b"SY" => "ssn",
        b"EA" => "mrn",
        b"EJ" => "patient account",
        b"F6" => "medicare number",
        b"HPI" => "npi",
        b"0F" | b"1W" | b"1L" | b"IG" => "insurance member number",
        _ => "",
    }
}

/// Data element 365.
fn contact(code: &[u8]) -> &'static str {
    match code {
        b"TE" | b"FX" | b"HP" | b"WP" | b"CP" => "phone",
        b"EM" => "email",
        _ => "",
    }
}

/// The values of EDIFACT segments.
pub(super) fn edifact_values(text: &[u8], signs: &Signs, say: &mut Say<'_>) {
    segments(text, signs, |name, elements| {
        if name.starts_with("UN") {
            return;
        }
        for (n, element) in elements.iter().enumerate().skip(1) {
            let components: Vec<_> = split(text, element.clone(), signs.component, signs.release).collect();
            let part =
                |n: usize| components.get(n).and_then(|r: &Range<usize>| text.get(r.clone())).unwrap_or_default();
            let kind = elements.get(1).and_then(|r| split(text, r.clone(), signs.component, signs.release).next());
            let kind = kind.and_then(|r| text.get(r)).unwrap_or_default();
            for (own, component) in components.iter().enumerate() {
                let meaning = match (name, n, own) {
                    ("COM", _, 0) if part(1) == b"EM" => ".email",
                    ("COM", _, 0) => ".phone",
                    ("FII", 2, 0) => ".account number",
                    // A birth date; a health insurance number.
                    ("DTM", 1, 1) if part(0) == b"329" => ".birth date",
                    ("RFF", 1, 1) if part(0) == b"SY" => ".ssn",
                    // Lists of passengers and crew: the document of a person.
                    ("DOC", 2, 0) if kind == b"P" => ".passport number",
                    ("DOC", 2, 0) if matches!(kind, b"I" | b"A" | b"C") => ".document number",
                    ("PNA", 2, 0) if kind == b"PAT" => ".patient id",
                    ("PNI", 1, 0) => ".patient id",
                    _ => "",
                };
                // Other references are called what their qualifier says: `RFF+BSN:…`.
                if let ("RFF", 1, 1, "", Ok(qualifier)) = (name, n, own, meaning, std::str::from_utf8(part(0))) {
                    say(format!("RFF-1.{qualifier}"), component.clone());
                    continue;
                }
                say(format!("{name}-{n}{meaning}"), component.clone());
            }
        }
    });
}
