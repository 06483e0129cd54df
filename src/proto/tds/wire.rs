//! Packets (MS-TDS section 2.2.3).

use crate::model::flow::Direction;
use crate::proto::cursor::Cursor;

/// Bytes of a packet's header.
pub(super) const HEADER: usize = 8;

pub(super) const BATCH: u8 = 0x01;
/// The login of Sybase and of SQL Server before 7.0.
pub(super) const OLD_LOGIN: u8 = 0x02;
pub(super) const RPC: u8 = 0x03;
pub(super) const RESPONSE: u8 = 0x04;
const ATTENTION: u8 = 0x06;
pub(super) const BULK: u8 = 0x07;
const FEDERATED: u8 = 0x08;
const TRANSACTION: u8 = 0x0e;
/// Statements of Sybase, and what else follows a first packet.
pub(super) const NORMAL: u8 = 0x0f;
pub(super) const LOGIN7: u8 = 0x10;
pub(super) const SSPI: u8 = 0x11;
pub(super) const PRELOGIN: u8 = 0x12;

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    /// It ends its message.
    pub(super) last: bool,
    /// Its number, from 1 in each message as most count.
    pub(super) number: u8,
    /// Of what follows the header, in bytes.
    pub(super) length: usize,
}

/// The header at the start. `Ok(None)`: more is needed. `Err`: it is none.
pub(super) fn header(direction: Direction, bytes: &[u8]) -> Result<Option<Header>, ()> {
    let sent = match direction {
        Direction::ToServer => {
            &[BATCH, OLD_LOGIN, RPC, ATTENTION, BULK, FEDERATED, TRANSACTION, NORMAL, LOGIN7, SSPI, PRELOGIN][..]
        }
        Direction::ToClient => &[RESPONSE, NORMAL, PRELOGIN],
    };
    let mut cursor = Cursor::new(bytes);
    let Some(kind) = cursor.u8() else { return Ok(None) };
    if !sent.contains(&kind) {
        return Err(());
    }
    let Some(status) = cursor.u8() else { return Ok(None) };
    if status & 0xe0 != 0 {
        return Err(());
    }
    let Some(length) = cursor.u16_be() else { return Ok(None) };
    let Some(length) = usize::from(length).checked_sub(HEADER) else { return Err(()) };
    // Process, number, window.
    let (Some(_), Some(number), Some(window)) = (cursor.u16_be(), cursor.u8(), cursor.u8()) else { return Ok(None) };
    if window != 0 {
        return Err(());
    }
    Ok(Some(Header { kind, last: status & 1 != 0, number, length }))
}

/// The length of the TLS record that bytes begin with, which follows a handshake inside of packets. `None`:
/// it is none.
pub(super) fn record(bytes: &[u8]) -> Option<Option<usize>> {
    match bytes {
        [0x14..=0x17, 3, 0..=4, high, low, ..] => Some(Some(5 + usize::from(u16::from_be_bytes([*high, *low])))),
        [0x14..=0x17] | [0x14..=0x17, 3] | [0x14..=0x17, 3, 0..=4] | [0x14..=0x17, 3, 0..=4, _] => Some(None),
        _ => None,
    }
}
