//! The block format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. Any number of
//! sections, each of its own byte order; any number of interfaces in each, each of its own link type
//! and clock.

use std::io;

use pcap_parser::{BOM_MAGIC, EPB_MAGIC, IDB_MAGIC, OptionCode, PcapError, SHB_MAGIC, SPB_MAGIC};
use pcap_parser::{parse_option_be, parse_option_le};

use super::buffer::Buffer;
use super::saved::{Record, Step};
use crate::model::limits;
use crate::model::packet::LinkType;
use crate::model::time::Timestamp;

/// Block type and total length before the body; the total length again after it.
const BLOCK_HEADER: usize = 8;
const BLOCK_FRAME: usize = 12;
/// The obsolete Packet Block.
const OPB_MAGIC: u32 = 2;
/// What Wireshark shows and numbers like packets: systemd journal entries, system calls, custom blocks.
const NUMBERED: [u32; 9] = [0x09, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222, 0xbad, 0x4000_0bad];

/// Whether the input is of this format. Consumes nothing.
pub(super) fn recognises(buffer: &mut Buffer) -> io::Result<bool> {
    buffer.need(BLOCK_FRAME)?;
    let window = buffer.window();
    let byte_order = window.get(BLOCK_HEADER..).and_then(|rest| rest.first_chunk());
    Ok(window.starts_with(&SHB_MAGIC.to_le_bytes()) && byte_order.is_some_and(|b| order(*b).is_some()))
}

/// Reads blocks.
#[derive(Default)]
pub(super) struct Reader {
    order: Order,
    interfaces: Vec<Interface>,
    /// The time of the packet before, for packets that have none.
    last: Timestamp,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    Big,
    #[default]
    Little,
}

impl Order {
    const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }

    const fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Big => i64::from_be_bytes(bytes),
            Self::Little => i64::from_le_bytes(bytes),
        }
    }
}

impl Reader {
    /// The next packet, past blocks of any other kind.
    pub(super) fn step(&mut self, buffer: &mut Buffer) -> io::Result<Step> {
        loop {
            if !buffer.need(BLOCK_FRAME)? {
                return Ok(if buffer.window().is_empty() { Step::End } else { Step::Cut });
            }
            let Some((&[kind, total, byte_order], _)) = buffer.window().as_chunks::<4>().0.split_first_chunk() else {
                return Ok(Step::Cut);
            };
            let kind = self.order.u32(kind);
            if kind == SHB_MAGIC {
                let Some(order) = order(byte_order) else {
                    return Ok(Step::Damaged("a section header without its byte order"));
                };
                self.order = order;
                self.interfaces.clear();
            }
            let total = self.order.u32(total);
            if !total.is_multiple_of(4) || (total as usize) < BLOCK_FRAME {
                return Ok(Step::Damaged("a block's length makes no sense"));
            }
            if !matches!(kind, IDB_MAGIC | EPB_MAGIC | SPB_MAGIC | OPB_MAGIC) {
                if !buffer.skip(u64::from(total))? {
                    return Ok(Step::Cut);
                }
                if NUMBERED.contains(&kind) {
                    return Ok(Step::Unusable("holds blocks that are not packets: journal entries, system calls, ..."));
                }
                continue;
            }
            let total = total as usize;
            if total > limits::RECORD_BYTES {
                return Ok(Step::Damaged("a block's length makes no sense"));
            }
            if !buffer.need(total)? {
                return Ok(Step::Cut);
            }
            let start = buffer.advance(total) + BLOCK_HEADER;
            let body = buffer.passed(start, total - BLOCK_FRAME);
            let trailer = buffer.passed(start + body.len(), 4).first_chunk();
            if trailer.is_none_or(|t| self.order.u32(*t) as usize != total) {
                return Ok(Step::Damaged("a block's two lengths differ"));
            }
            if kind == IDB_MAGIC {
                match self.interface(body) {
                    Some(interface) if self.interfaces.len() < limits::INTERFACES => self.interfaces.push(interface),
                    _ => return Ok(Step::Damaged("an interface description makes no sense")),
                }
                continue;
            }
            return Ok(self.packet(kind, body, start));
        }
    }

    /// Any of the three packet blocks. `start`: where `body` stands in the buffer.
    fn packet(&mut self, kind: u32, body: &[u8], start: usize) -> Step {
        const SENSELESS: Step = Step::Damaged("a packet block makes no sense");
        let (words, _) = body.as_chunks::<4>();
        let u32_of = |bytes: [u8; 4]| self.order.u32(bytes);
        if kind == SPB_MAGIC {
            let Some(&wire_len) = words.first() else { return SENSELESS };
            let Some(interface) = self.interfaces.first() else { return UNDESCRIBED };
            let wire_len = u32_of(wire_len);
            let snap = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
            let length = (wire_len.min(snap) as usize).min(body.len() - 4);
            return Step::Packet(Record { at: self.last, link: interface.link, start: start + 4, length, wire_len });
        }
        let Some(&[id, high, low, captured, wire_len]) = words.first_chunk() else { return SENSELESS };
        let id = match kind {
            OPB_MAGIC => u32::from(self.order.u16([id[0], id[1]])),
            _ => u32_of(id),
        };
        let (captured, wire_len) = (u32_of(captured), u32_of(wire_len));
        let length = captured as usize;
        if length > body.len() - 20 {
            return SENSELESS;
        }
        let Some(interface) = self.interfaces.get(id as usize) else { return UNDESCRIBED };
        let at = interface.clock.at(u64::from(u32_of(high)) << 32 | u64::from(u32_of(low)));
        self.last = at;
        Step::Packet(Record { at, link: interface.link, start: start + 20, length, wire_len: wire_len.max(captured) })
    }

    fn interface(&self, body: &[u8]) -> Option<Interface> {
        let (&[a, b, _, _, snap_len @ ..], mut options) = body.split_first_chunk::<8>()?;
        let parse = match self.order {
            Order::Big => parse_option_be::<PcapError<&[u8]>>,
            Order::Little => parse_option_le::<PcapError<&[u8]>>,
        };
        let mut clock = Clock::default();
        // A broken option ends the list and spoils nothing else. The value is looked at raw: the
        // option's own length is not padded.
        while let Ok((rest, option)) = parse(options) {
            let value = option.as_bytes().unwrap_or_default();
            match option.code {
                OptionCode::EndOfOpt => break,
                OptionCode::IfTsresol => clock.per_second = value.first().and_then(|r| per_second(*r)),
                OptionCode::IfTsoffset => clock.offset = value.first_chunk().map_or(0, |v| self.order.i64(*v)),
                _ => {}
            }
            options = rest;
        }
        Some(Interface { link: LinkType(self.order.u16([a, b])), snap_len: self.order.u32(snap_len), clock })
    }
}

const UNDESCRIBED: Step = Step::Unusable("holds packets of an interface that it does not describe");

fn order(byte_order: [u8; 4]) -> Option<Order> {
    match u32::from_le_bytes(byte_order) {
        BOM_MAGIC => Some(Order::Little),
        swapped if swapped == BOM_MAGIC.swap_bytes() => Some(Order::Big),
        _ => None,
    }
}

struct Interface {
    link: LinkType,
    snap_len: u32,
    clock: Clock,
}

/// What an interface's timestamps count.
struct Clock {
    /// Units per second; `None` when a unit is too small to tell any time.
    per_second: Option<u128>,
    /// Seconds to add.
    offset: i64,
}

impl Default for Clock {
    /// Microseconds since the epoch.
    fn default() -> Self {
        Self { per_second: Some(1_000_000), offset: 0 }
    }
}

impl Clock {
    fn at(&self, units: u64) -> Timestamp {
        const NANOS: u128 = 1_000_000_000;
        let nanos = match self.per_second {
            Some(1_000_000) => u128::from(units) * 1000,
            Some(NANOS) => u128::from(units),
            Some(per_second) => {
                let (units, seconds) = (u128::from(units) % per_second, u128::from(units) / per_second);
                seconds * NANOS + units * NANOS / per_second
            }
            None => 0,
        };
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        Timestamp::from_nanos(nanos.saturating_add(self.offset.saturating_mul(1_000_000_000)))
    }
}

/// The value of `if_tsresol`: a negative power of 10, or of 2 when the highest bit is set.
fn per_second(resolution: u8) -> Option<u128> {
    let exponent = u32::from(resolution & 0x7f);
    let base = if resolution & 0x80 == 0 { 10_u128 } else { 2 };
    base.checked_pow(exponent)
}
