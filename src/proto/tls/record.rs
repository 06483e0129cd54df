//! The record layer: cuts one direction into records and finds its footing again where it was lost.
//! Content is handed on as it comes, so that a hole inside a record costs no more than the hole.

use super::sslv2;

/// Length of a record header: type, version, length (RFC 8446 section 5.1).
pub(super) const HEADER: usize = 5;
/// Longest record: 2^14 bytes and what encryption may add (RFC 5246 section 6.2.3).
const LONGEST: usize = (1 << 14) + 2048;

/// What a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Alert,
    ApplicationData,
    ChangeCipherSpec,
    Handshake,
    /// RFC 6520.
    Heartbeat,
    /// A record of SSL 2.0, which has no type of its own.
    Ssl2,
}

/// What comes next in a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It cannot be told yet.
    Wait,
    /// So many bytes that belong to no record.
    Astray(usize),
    /// A record begins.
    Begin { header: usize, content: Content, length: usize },
    /// So many bytes of the record's content.
    Body(usize),
}

/// Where one direction stands.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Bytes of the current record that are still to come.
    left: usize,
    /// Nobody knows where the next record begins.
    astray: bool,
    /// A record was seen.
    begun: bool,
    /// A record of SSL 2.0 was seen.
    ssl2: bool,
}

impl Records {
    /// Says what the next bytes are, and passes over them.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::Wait;
        }
        if self.left > 0 {
            let here = self.left.min(bytes.len());
            self.left -= here;
            return Step::Body(here);
        }
        let step = match self.ssl2(bytes) {
            Some(step) => step,
            None => self.search(bytes),
        };
        if let Step::Begin { content, length, .. } = step {
            self.left = length;
            self.begun = true;
            self.astray = false;
            self.ssl2 |= content == Content::Ssl2;
        }
        step
    }

    /// Bytes are missing. Says whether the current record goes on behind them.
    pub(super) fn gap(&mut self, missing: u64) -> bool {
        if (self.left as u64) < missing || self.left == 0 {
            self.left = 0;
            self.astray = true;
            return false;
        }
        self.left -= missing as usize;
        true
    }

    /// Whether a record was ever seen.
    pub(super) const fn begun(&self) -> bool {
        self.begun
    }

    /// Whether the current record is complete.
    pub(super) const fn is_between(&self) -> bool {
        self.left == 0
    }

    fn search(&mut self, bytes: &[u8]) -> Step {
        for at in 0..bytes.len() {
            match header(bytes.get(at..).unwrap_or_default(), self.astray) {
                Look::No => self.astray = true,
                _ if at > 0 => return Step::Astray(at),
                Look::Short => return Step::Wait,
                Look::Yes { content, length } => return Step::Begin { header: HEADER, content, length },
            }
        }
        Step::Astray(bytes.len())
    }

    /// Records of SSL 2.0: at the start of a stream, and from then on until one of TLS.
    fn ssl2(&self, bytes: &[u8]) -> Option<Step> {
        if self.ssl2 {
            let (header, length) = match sslv2::header(bytes) {
                Some(found) if found.0 == 2 || header(bytes, true) == Look::No => found,
                None => return Some(Step::Wait),
                _ => return None,
            };
            return Some(Step::Begin { header, content: Content::Ssl2, length });
        }
        if self.begun || self.astray {
            return None;
        }
        match sslv2::opening(bytes) {
            sslv2::Opening::Hello { length } => Some(Step::Begin { header: 2, content: Content::Ssl2, length }),
            sslv2::Opening::Short => Some(Step::Wait),
            sslv2::Opening::No => None,
        }
    }
}

/// Whether bytes begin with a record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Yes {
        content: Content,
        length: usize,
    },
    /// What there is of it fits.
    Short,
    No,
}

/// Looks for a record header. `strict` is for places where one is only hoped for.
pub(super) fn header(bytes: &[u8], strict: bool) -> Look {
    let mut at = bytes.iter().copied();
    let content = match at.next() {
        None => return Look::Short,
        Some(20) => Content::ChangeCipherSpec,
        Some(21) => Content::Alert,
        Some(22) => Content::Handshake,
        Some(23) => Content::ApplicationData,
        Some(24) => Content::Heartbeat,
        Some(_) => return Look::No,
    };
    match (at.next(), at.next()) {
        (None, _) => return Look::Short,
        // TLCP is 1.1; servers have to accept any 3.x in a ClientHello.
        (Some(1), None | Some(1)) | (Some(3), None | Some(0..=4)) => {}
        (Some(3), Some(_)) if !strict => {}
        _ => return Look::No,
    }
    let (Some(high), Some(low)) = (at.next(), at.next()) else {
        let fits = bytes.get(3).is_none_or(|high| usize::from(*high) << 8 <= LONGEST);
        return if fits { Look::Short } else { Look::No };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let fits = match content {
        Content::ChangeCipherSpec if strict => length == 1,
        Content::Alert if strict => (2..=512).contains(&length),
        _ => length <= LONGEST && (length > 0 || !strict),
    };
    if fits { Look::Yes { content, length } } else { Look::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_inside_a_record_does_not_lose_the_next_one() {
        let mut records = Records::default();
        let begin = Step::Begin { header: 5, content: Content::Handshake, length: 100 };
        assert_eq!(records.step(&[22, 3, 1, 0, 100, 1, 2]), begin);
        assert_eq!(records.step(&[1, 2]), Step::Body(2));
        assert!(records.gap(90));
        assert_eq!(records.step(&[0; 20]), Step::Body(8));
        assert_eq!(records.step(&[20, 3, 1]), Step::Wait);
    }

    #[test]
    fn after_a_hole_over_several_records_the_next_header_is_searched() {
        let mut records = Records::default();
        records.step(&[22, 3, 1, 0, 1]);
        assert!(!records.gap(90));
        assert_eq!(records.step(&[9, 22, 9, 23, 3, 3]), Step::Astray(3));
        assert_eq!(records.step(&[23, 3, 3, 0]), Step::Wait);
        let begin = Step::Begin { header: 5, content: Content::ApplicationData, length: 32 };
        assert_eq!(records.step(&[23, 3, 3, 0, 32]), begin);
    }
}
