//! HL7 version 2 (chapter 2: the message; chapter 3: patients; chapter 6: insurance).

use std::ops::Range;

use super::{Say, split};

/// What the fields that speak of persons hold, by segment and position. `cx` is an identifier with its
/// type, `pln` one with its type right behind it, `xtn` a telephone number or an address of another kind, `xcn`
/// somebody who treats or orders.
const FIELDS: &[(&str, usize, &str)] = &[
    ("PID", 2, "cx"),
    ("PID", 3, "cx"),
    ("PID", 4, "cx"),
    ("PID", 7, "birth date"),
    ("PID", 13, "xtn"),
    ("PID", 14, "xtn"),
    ("PID", 18, "patient account"),
    ("PID", 19, "ssn"),
    ("PID", 20, "driver license"),
    ("NK1", 5, "xtn"),
    ("NK1", 6, "xtn"),
    ("NK1", 16, "birth date"),
    ("NK1", 33, "cx"),
    ("NK1", 37, "ssn"),
    ("GT1", 6, "xtn"),
    ("GT1", 7, "xtn"),
    ("GT1", 8, "birth date"),
    ("GT1", 12, "ssn"),
    ("IN1", 7, "xtn"),
    ("IN1", 18, "birth date"),
    ("IN1", 36, "insurance number"),
    ("IN1", 49, "cx"),
    ("IN2", 2, "ssn"),
    ("IN2", 6, "medicare number"),
    ("IN2", 8, "medicaid number"),
    ("IN2", 61, "cx"),
    ("IN2", 63, "xtn"),
    ("MRG", 1, "cx"),
    ("ARV", 7, "cx"),
    ("STF", 10, "xtn"),
    ("PV1", 7, "xcn"),
    ("PV1", 8, "xcn"),
    ("PV1", 9, "xcn"),
    ("PV1", 17, "xcn"),
    ("OBR", 16, "xcn"),
    ("OBR", 28, "xcn"),
    ("ORC", 12, "xcn"),
    ("PD1", 4, "xcn"),
    ("RXE", 13, "xcn"),
    ("RXO", 14, "xcn"),
    ("FT1", 20, "xcn"),
    ("FT1", 21, "xcn"),
    ("PR1", 11, "xcn"),
    ("OBX", 16, "xcn"),
    ("RXA", 10, "xcn"),
    ("AIP", 3, "xcn"),
    ("PRD", 7, "pln"),
    ("CTD", 7, "pln"),
    ("PRA", 6, "pln"),
    ("STF", 2, "cx"),
];

/// The signs of a message, which its header declares.
#[derive(Clone, Copy, Debug)]
struct Signs {
    field: u8,
    component: u8,
    repetition: u8,
    escape: u8,
}

const USUAL: Signs = Signs { field: b'|', component: b'^', repetition: b'~', escape: b'\\' };

/// Whether a text begins with the header of a message, a batch or a file.
pub(super) fn begins(text: &[u8]) -> bool {
    match text {
        [a, b, c, field, component, rest @ ..] => {
            matches!(&[*a, *b, *c], b"MSH" | b"FHS" | b"BHS")
                && field.is_ascii_punctuation()
                && component.is_ascii_punctuation()
                && rest.iter().take(8).any(|b| b == field)
        }
        _ => false,
    }
}

/// The values of all segments.
pub(super) fn values(text: &[u8], say: &mut Say<'_>) {
    let mut signs = USUAL;
    let mut at = 0;
    for line in text.split_inclusive(|b| matches!(b, b'\r' | b'\n' | 0x1c)) {
        let framing = line.iter().take_while(|b| matches!(b, 0x0b | 0x1c | b' ')).count();
        let start = at + framing;
        at += line.len();
        let end = start + line.get(framing..).unwrap_or_default().trim_ascii_end().len();
        let Some(segment) = text.get(start..end).filter(|s| s.len() > 4) else { continue };
        if begins(segment)
            && let [_, _, _, field, component, repetition, escape, ..] = *segment
        {
            signs = Signs { field, component, repetition, escape };
        }
        let name = segment.get(..3).unwrap_or_default();
        if segment.get(3) == Some(&signs.field) && name.iter().all(u8::is_ascii_alphanumeric) {
            fields(text, &String::from_utf8_lossy(name), start + 4..end, signs, say);
        }
    }
}

fn fields(text: &[u8], segment: &str, range: Range<usize>, signs: Signs, say: &mut Say<'_>) {
    // The separator is itself the first field of a header.
    let header = matches!(segment, "MSH" | "FHS" | "BHS");
    let all: Vec<_> = split(text, range, signs.field, None).collect();
    for (n, field) in all.iter().enumerate() {
        let field = field.clone();
        let position = n + 1 + usize::from(header);
        if header && position == 2 {
            continue;
        }
        let meaning = FIELDS.iter().find(|(own, at, _)| *own == segment && *at == position).map(|(.., m)| *m);
        // Where the number has no field of its own, senders that count from 0 put it a field too early.
        let early = segment == "PID" && position == 18 && all.get(18).is_none_or(Range::is_empty);
        let meaning =
            if early && nine_digits(text.get(field.clone()).unwrap_or_default()) { Some("ssn") } else { meaning };
        for one in split(text, field, signs.repetition, Some(signs.escape)) {
            let components: Vec<_> = split(text, one.clone(), signs.component, Some(signs.escape)).collect();
            let part =
                |n: usize| components.get(n).and_then(|r: &Range<usize>| text.get(r.clone())).unwrap_or_default();
            let mut name = format!("{segment}-{position}");
            let first = components.first().cloned().unwrap_or(one.clone());
            match meaning {
                None => {
                    // Free text keeps its signs: a note, an observation.
                    say(name, one);
                    continue;
                }
                Some("cx") => name.extend([".", identifier(part(4))]),
                Some("pln") if part(1).is_empty() => name.push_str(".provider id"),
                Some("pln") => name.extend([".", identifier(part(1))]),
                Some("xtn") => {
                    if let Some(address) = components.get(3).filter(|_| part(3).contains(&b'@')) {
                        say(format!("{name}.email"), address.clone());
                    }
                    name.push_str(if part(0).contains(&b'@') { ".email" } else { ".phone" });
                }
                Some("xcn") => name.push_str(".provider id"),
                Some(meaning) => name.extend([".", meaning]),
            }
            say(name, first);
        }
    }
}

/// `536904399`, `536-90-4399`.
fn nine_digits(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    digits == 9 && (value.len() == 9 || value.len() == 11 && value.get(3) == Some(&b'-') && value.get(6) == Some(&b'-'))
}

/// What a type of identifier (table 0203) is called.
fn identifier(code: &[u8]) -> &'static str {
    match code {
        b"SS" | b"SSN" => "ssn",
        b"MC" => "medicare number",
        b"MA" => "medicaid number",
        b"DL" => "driver license",
        b"PPN" => "passport number",
        b"NH" | b"NHS" => "nhs number",
        b"AN" => "patient account",
        b"NPI" => "npi",
        b"DEA" => "dea",
        b"TAX" => "tax id",
        b"NI" | b"NN" | b"NNITA" | b"NNESP" | b"NNFRA" | b"NNDEU" | b"NNNLD" | b"NNBEL" => "national id",
        _ => "mrn",
    }
}
