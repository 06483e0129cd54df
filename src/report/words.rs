//! Numbers and times as people read them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use crate::model::finding::{Bulk, Finding};
use crate::model::flow::Direction;
use crate::model::time::Timestamp;
use crate::rules::{Rule, When};

/// `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `customers.card_no: 1,204 card numbers in one answer`.
pub fn bulk(bulk: &Bulk, what: &str, direction: Direction) -> String {
    let mut out = String::new();
    if !bulk.column.is_empty() {
        out = format!("{}: ", bulk.column);
    }
    let more = if bulk.more { "more than " } else { "" };
    let within = match direction {
        _ if bulk.stream => "one stream of messages",
        Direction::ToClient => "one answer",
        Direction::ToServer => "one message",
    };
    let _ = write!(out, "{more}{} {what} in {within}", count(bulk.values));
    if bulk.rows > bulk.values {
        let _ = write!(out, ", {} in all", count(bulk.rows));
    }
    out
}

/// What is to be said of a finding besides its value.
pub fn note<'f>(finding: &'f Finding, rule: &Rule) -> Option<Cow<'f, str>> {
    match (&finding.bulk, &rule.when) {
        (Some(many), When::Bulk(asks)) => Some(bulk(many, &asks.what, finding.direction).into()),
        _ => finding.note.as_deref().map(Cow::Borrowed),
    }
}

/// `1 packet`, `1,204 packets`.
pub fn many(number: u64, one: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {one}{ending}", count(number))
}

/// `9.8 MB`: powers of ten.
pub fn bytes(number: u64) -> String {
    let mut unit = 1u64;
    let mut name = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if number < unit.saturating_mul(1000) {
            break;
        }
        unit = unit.saturating_mul(1000);
        name = next;
    }
    if unit == 1 {
        return format!("{number} B");
    }
    let (whole, tenth) = (number / unit, number % unit * 10 / unit);
    if whole >= 100 { format!("{whole} {name}") } else { format!("{whole}.{tenth} {name}") }
}

/// `0.2 s`, `5 m 6 s`, `3 h 12 m`, `2 d 4 h`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `2026-01-02 03:04:05 UTC`.
pub fn time(at: Timestamp) -> String {
    let text = at.to_string();
    match text.get(..19) {
        Some(whole) if text.contains('T') => format!("{} UTC", whole.replace('T', " ")),
        _ => text,
    }
}

/// `03:04:05`, in UTC.
pub fn time_of_day(at: Timestamp) -> String {
    time(at).get(11..19).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded_down() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [bytes(999), bytes(1000), bytes(9_876_543), bytes(u64::MAX)],
            ["999 B", "1.0 kB", "9.8 MB", "18446744 TB"]
        );
        assert_eq!([many(1, "link"), many(2, "link")], ["1 link", "2 links"]);
    }

    #[test]
    fn durations_take_the_two_greatest_units() {
        let said = [0.25, 306.0, 11_520.0, 187_200.0].map(|s| duration(Duration::from_secs_f64(s)));
        assert_eq!(said, ["0.2 s", "5 m 6 s", "3 h 12 m", "2 d 4 h"]);
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(time(Timestamp::from_parts(1_767_323_045, 9)), "2026-01-02 03:04:05 UTC");
        assert_eq!(time_of_day(Timestamp::from_parts(1_767_323_045, 9)), "03:04:05");
    }
}
