//! The block format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. Any number of
//! sections, each of its own byte order; any number of interfaces in each, each of its own link type
//! and clock.

mod interface;

use std::io;

use pcap_parser::{
    BOM_MAGIC, CB_MAGIC, DCB_MAGIC, DSB_MAGIC, EPB_MAGIC, IDB_MAGIC, ISB_MAGIC, NRB_MAGIC, SHB_MAGIC, SPB_MAGIC,
};

use self::interface::Interface;
use super::Dropped;
use super::buffer::Buffer;
use super::resync::Looks;
use super::step::{Record, Step};
use crate::model::limits;
use crate::model::time::Timestamp;

/// Block type and total length before the body; the total length again after it.
const BLOCK_HEADER: usize = 8;
const BLOCK_FRAME: usize = 12;
/// The obsolete Packet Block.
const OPB_MAGIC: u32 = 2;
/// Kinds for local use have this bit.
const LOCAL: u32 = 1 << 31;
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
    /// Those of this section. One whose description makes no sense keeps its number.
    interfaces: Vec<Option<Interface>>,
    /// Interfaces of the sections before.
    before: u32,
    /// What all interfaces of all sections say they dropped.
    dropped: Dropped,
    /// The time of the packet before, for packets that have none.
    last: Timestamp,
}

/// The frame of a block.
struct Header {
    kind: u32,
    total: usize,
    /// The byte order of the section: that of the block itself where it begins one.
    order: Order,
}

impl Reader {
    /// The next packet, or what else is to be told, past blocks of any other kind.
    pub(super) fn step(&mut self, buffer: &mut Buffer) -> io::Result<Step> {
        loop {
            if !buffer.need(BLOCK_FRAME)? {
                return Ok(if buffer.window().is_empty() { Step::End } else { Step::Cut });
            }
            let Header { kind, total, order } = match self.header(buffer.window()) {
                Ok(header) => header,
                Err(why) => return Ok(Step::Damaged(why)),
            };
            if total > limits::RECORD_BYTES {
                if !may_be_long(kind) {
                    return Ok(Step::Damaged(SENSELESS_LENGTH));
                }
                if !buffer.skip(total as u64 - 4)? || !buffer.need(4)? {
                    return Ok(Step::Cut);
                }
                if !closes(buffer.window(), 4, total, order) {
                    return Ok(Step::Damaged(LENGTHS_DIFFER));
                }
                buffer.advance(4);
                continue;
            }
            if !buffer.need(total)? {
                return Ok(Step::Cut);
            }
            if !closes(buffer.window(), total, total, order) {
                return Ok(Step::Damaged(LENGTHS_DIFFER));
            }
            let start = buffer.advance(total) + BLOCK_HEADER;
            let body = buffer.passed(start, total - BLOCK_FRAME);
            match kind {
                EPB_MAGIC | SPB_MAGIC | OPB_MAGIC => return Ok(self.packet(kind, body, start)),
                SHB_MAGIC => self.section(order),
                IDB_MAGIC if self.interfaces.len() < limits::INTERFACES => {
                    self.interfaces.push(Interface::parse(order, body));
                }
                ISB_MAGIC => self.statistics(body),
                DSB_MAGIC => {
                    if let Some((kind, count)) = self.secrets(body) {
                        return Ok(Step::Secrets(kind, count));
                    }
                }
                _ if NUMBERED.contains(&kind) => return Ok(FOREIGN),
                _ => {}
            }
        }
    }

    /// Interfaces that were described up to here.
    pub(super) fn interfaces(&self) -> u32 {
        self.before + self.interfaces.len() as u32
    }

    /// What the statistics up to here say.
    pub(super) const fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Whether bytes could be a block.
    pub(super) fn looks(&self, bytes: &[u8]) -> Looks {
        let Ok(Header { kind, total, order }) = self.header(bytes) else {
            return if bytes.len() < BLOCK_FRAME { Looks::Short } else { Looks::Wrong };
        };
        let sound = match kind {
            SHB_MAGIC => closes(bytes, total, total, order),
            EPB_MAGIC | OPB_MAGIC => self.captured(kind, bytes).is_some_and(|captured| captured + 32 <= total),
            IDB_MAGIC | SPB_MAGIC | NRB_MAGIC | ISB_MAGIC | DSB_MAGIC | CB_MAGIC | DCB_MAGIC => true,
            _ => false,
        };
        if !sound || total > limits::RESYNC_RECORD_BYTES {
            Looks::Wrong
        } else if kind == SHB_MAGIC {
            Looks::Certain
        } else if bytes.len() < total || closes(bytes, total, total, order) {
            Looks::Record(total)
        } else {
            Looks::Wrong
        }
    }

    fn header(&self, bytes: &[u8]) -> Result<Header, &'static str> {
        let Some((&[kind, total, byte_order], _)) = bytes.as_chunks::<4>().0.split_first_chunk() else {
            return Err(SENSELESS_LENGTH);
        };
        let kind = self.order.u32(kind);
        let order = if kind == SHB_MAGIC {
            order(byte_order).ok_or("a section header without its byte order")?
        } else {
            self.order
        };
        let total = order.u32(total) as usize;
        if total.is_multiple_of(4) && total >= BLOCK_FRAME {
            Ok(Header { kind, total, order })
        } else {
            Err(SENSELESS_LENGTH)
        }
    }

    fn section(&mut self, order: Order) {
        self.order = order;
        self.before += self.interfaces.len() as u32;
        self.interfaces.clear();
    }

    fn statistics(&mut self, body: &[u8]) {
        let Some((id, now)) = interface::statistics(self.order, body) else { return };
        if let Some(Some(interface)) = self.interfaces.get_mut(id as usize) {
            self.dropped.update(std::mem::replace(&mut interface.dropped, now), now);
        }
    }

    /// The kind of the keys in a Decryption Secrets Block, and how many they are.
    fn secrets(&self, body: &[u8]) -> Option<(&'static str, u64)> {
        let (&[kind, length], keys) = body.as_chunks::<4>().0.split_first_chunk()?;
        let length = (self.order.u32(length) as usize).min(keys.len() * 4);
        let keys = body.get(8..8 + length).filter(|keys| !keys.is_empty())?;
        let lines = keys.split(|byte| *byte == b'\n').filter(|line| !matches!(line.trim_ascii(), [] | [b'#', ..]));
        let lines = lines.count() as u64;
        Some(match &self.order.u32(kind).to_be_bytes() {
            b"TLSK" => ("TLS key log", lines),
            b"SSHK" => ("SSH key log", lines),
            b"WGKL" => ("WireGuard key log", lines),
            b"UAKL" => ("OPC UA key log", lines),
            b"ZNWK" => ("ZigBee network key", 1),
            b"ZAPS" => ("ZigBee APS key", 1),
            _ => ("decryption keys of an unknown kind", 1),
        })
    }

    /// How many bytes of a packet an Enhanced or an obsolete Packet Block holds, if it may: of a described
    /// interface, and not more than were on the wire.
    fn captured(&self, kind: u32, block: &[u8]) -> Option<usize> {
        let (_, body) = block.split_at_checked(BLOCK_HEADER)?;
        let &[id, _, _, captured, wire_len] = body.as_chunks::<4>().0.first_chunk()?;
        self.interface(kind, id)?;
        let (captured, wire_len) = (self.order.u32(captured), self.order.u32(wire_len));
        (captured <= wire_len).then_some(captured as usize)
    }

    /// The interface a packet block names, and its number.
    fn interface(&self, kind: u32, id: [u8; 4]) -> Option<(u32, &Interface)> {
        let number = match kind {
            OPB_MAGIC => u32::from(self.order.u16([id[0], id[1]])),
            _ => self.order.u32(id),
        };
        Some((number, self.interfaces.get(number as usize)?.as_ref()?))
    }

    /// Any of the three packet blocks. `start`: where `body` stands in the buffer.
    fn packet(&mut self, kind: u32, body: &[u8], start: usize) -> Step {
        const SENSELESS: Step = Step::Unusable("holds packet blocks that make no sense");
        let (words, _) = body.as_chunks::<4>();
        let u32_of = |bytes: [u8; 4]| self.order.u32(bytes);
        if kind == SPB_MAGIC {
            let Some(&wire_len) = words.first() else { return SENSELESS };
            let Some(Some(interface)) = self.interfaces.first() else { return UNDESCRIBED };
            let wire_len = u32_of(wire_len);
            let snap = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
            let length = (wire_len.min(snap) as usize).min(body.len() - 4);
            let (at, link, start, tap) = (self.last, interface.link, start + 4, self.before);
            return Step::Packet(Record { at, link, tap, start, length, wire_len });
        }
        let Some(&[id, high, low, captured, wire_len]) = words.first_chunk() else { return SENSELESS };
        let (captured, wire_len) = (u32_of(captured), u32_of(wire_len));
        let length = captured as usize;
        if length > body.len() - 20 {
            return SENSELESS;
        }
        let Some((number, interface)) = self.interface(kind, id) else { return UNDESCRIBED };
        let at = interface.clock.at(u64::from(u32_of(high)) << 32 | u64::from(u32_of(low)));
        let (link, start, tap) = (interface.link, start + 20, self.before + number);
        self.last = at;
        Step::Packet(Record { at, link, tap, start, length, wire_len: wire_len.max(captured) })
    }
}

const SENSELESS_LENGTH: &str = "a block's length makes no sense";
const LENGTHS_DIFFER: &str = "a block's two lengths differ";
const FOREIGN: Step = Step::Unusable("holds blocks that are not packets: journal entries, system calls, ...");
const UNDESCRIBED: Step = Step::Unusable("holds packets of an interface that it does not describe");

/// Whether blocks of a kind may be longer than a packet can be: files, logs, and whatever somebody puts into
/// kinds that are free to use.
const fn may_be_long(kind: u32) -> bool {
    matches!(kind, DSB_MAGIC | CB_MAGIC | DCB_MAGIC) || kind & LOCAL != 0
}

/// Whether the first `length` bytes end with the total length of a block.
fn closes(bytes: &[u8], length: usize, total: usize, order: Order) -> bool {
    let end = bytes.get(..length).and_then(<[u8]>::last_chunk);
    end.is_some_and(|end| order.u32(*end) as usize == total)
}

fn order(byte_order: [u8; 4]) -> Option<Order> {
    match u32::from_le_bytes(byte_order) {
        BOM_MAGIC => Some(Order::Little),
        swapped if swapped == BOM_MAGIC.swap_bytes() => Some(Order::Big),
        _ => None,
    }
}

/// Byte order of a section.
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
