//! Frames (RFC 6455 section 5.2).

use crate::model::flow::Direction;
use crate::proto::cursor::Cursor;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Binary,
    /// Goes on with the message.
    Continuation,
    /// Close, ping, pong: may stand between the frames of a message.
    Control,
    Text,
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// It ends its message.
    pub(super) last: bool,
    /// Its message is deflated (RFC 7692 section 6).
    pub(super) deflated: bool,
    pub(super) opcode: Opcode,
    /// Every fourth byte of the payload is changed by the same byte.
    pub(super) mask: Option<[u8; 4]>,
    /// Of the payload, in bytes.
    pub(super) length: u64,
    /// Its own, in bytes.
    pub(super) size: usize,
}

/// The head at the start. `Ok(None)`: more is needed.
pub(super) fn head(bytes: &[u8]) -> Result<Option<Head>, ()> {
    let mut cursor = Cursor::new(bytes);
    let (Some(first), Some(second)) = (cursor.u8(), cursor.u8()) else { return Ok(None) };
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8..=10 => Opcode::Control,
        _ => return Err(()),
    };
    let (last, deflated) = (first & 0x80 != 0, first & 0x40 != 0);
    let short = u64::from(second & 0x7f);
    let control = opcode == Opcode::Control;
    if first & 0x30 != 0 || control && (!last || deflated || short > 125) {
        return Err(());
    }
    let length = match short {
        126 => cursor.u16_be().map(u64::from),
        127 => cursor.u64_be(),
        short => Some(short),
    };
    let Some(length) = length else { return Ok(None) };
    if length > u64::MAX >> 1 {
        return Err(());
    }
    let mask = if second & 0x80 == 0 { None } else { cursor.array::<4>() };
    if mask.is_none() && second & 0x80 != 0 {
        return Ok(None);
    }
    Ok(Some(Head { last, deflated, opcode, mask, length, size: cursor.position() }))
}

/// Takes a mask off bytes that begin at an offset of their payload.
pub(super) fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    let phase = (offset % 4) as usize;
    bytes.iter_mut().zip(mask.iter().cycle().skip(phase)).for_each(|(byte, mask)| *byte ^= mask);
}

/// Whether bytes begin with a whole frame of text as this side sends it.
pub(super) fn begins(direction: Direction, bytes: &[u8]) -> bool {
    let Ok(Some(head)) = head(bytes) else { return false };
    let masked = direction == Direction::ToServer;
    let length = usize::try_from(head.length).unwrap_or(usize::MAX);
    let Some(payload) = bytes.get(head.size..).and_then(|rest| rest.get(..length)) else { return false };
    if head.opcode != Opcode::Text || head.deflated || head.mask.is_some() != masked || length < 8 {
        return false;
    }
    let mut text = payload.to_vec();
    if let Some(mask) = head.mask {
        unmask(&mut text, mask, 0);
    }
    let readable =
        std::str::from_utf8(&text).is_ok_and(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace()));
    // Where no mask had to be right, the text must look like what is sent this way.
    readable && (masked || matches!(text.first(), Some(b'{' | b'[' | b'<' | b'0'..=b'9')))
}
