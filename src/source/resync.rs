//! Finding the next sound record after damage.

use std::io;

use super::buffer::Buffer;
use crate::model::limits;

/// What bytes look like to a format's reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    /// The beginning of a section: beyond doubt.
    Certain,
    /// A record of so many bytes.
    Record(usize),
    /// There are too few to tell.
    Short,
    /// No record.
    Wrong,
}

/// How many records in a row make one that is believed.
const CHAIN: usize = 4;

/// Bytes of that many, with their headers.
const REACH: usize = CHAIN * (limits::RESYNC_RECORD_BYTES + 64);

/// Passes over what makes no sense, from the first byte in the buffer on, up to the first of several
/// records in a row. `false`: there is none.
pub(super) fn find(buffer: &mut Buffer, looks: impl Fn(&[u8]) -> Looks) -> io::Result<bool> {
    let mut from = 1;
    loop {
        // An input that breaks off is looked through as far as it goes.
        let whole = !buffer.need(2 * REACH).unwrap_or(false);
        let window = buffer.window();
        let to = if whole { window.len() } else { window.len() - REACH };
        let found = (from..to).find(|&at| window.get(at..).is_some_and(|bytes| believed(bytes, whole, &looks)));
        if let Some(at) = found {
            buffer.advance(at);
            return Ok(true);
        }
        if whole {
            return Ok(false);
        }
        buffer.advance(to);
        from = 0;
    }
}

/// Whether several records in a row begin here, or as many as there are up to the end of the input.
fn believed(mut bytes: &[u8], whole: bool, looks: impl Fn(&[u8]) -> Looks) -> bool {
    for n in 0..CHAIN {
        match looks(bytes) {
            Looks::Certain => return true,
            Looks::Record(length) => match bytes.get(length..) {
                Some(rest) => bytes = rest,
                None => return whole && n > 0,
            },
            Looks::Short => return whole && n > 0,
            Looks::Wrong => return false,
        }
    }
    true
}
