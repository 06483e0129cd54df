//! Interface descriptions and statistics (sections 4.2 and 4.6), and what their options say.

use pcap_parser::{OptionCode, PcapError, parse_option_be, parse_option_le};

use super::Order;
use crate::model::packet::LinkType;
use crate::model::time::Timestamp;
use crate::source::Dropped;

/// An interface of a section.
pub(super) struct Interface {
    pub(super) link: LinkType,
    pub(super) snap_len: u32,
    pub(super) clock: Clock,
    /// What its last statistics say.
    pub(super) dropped: Dropped,
}

impl Interface {
    /// Reads the body of an Interface Description Block.
    pub(super) fn parse(order: Order, body: &[u8]) -> Option<Self> {
        let (&[a, b, _, _, snap_len @ ..], options) = body.split_first_chunk::<8>()?;
        let mut clock = Clock::default();
        each_option(order, options, |code, value| match code {
            OptionCode::IfTsresol => clock.per_second = value.first().and_then(|r| per_second(*r)),
            OptionCode::IfTsoffset => clock.offset = value.first_chunk().map_or(0, |v| order.i64(*v)),
            _ => {}
        });
        let (link, snap_len) = (LinkType(order.u16([a, b])), order.u32(snap_len));
        Some(Self { link, snap_len, clock, dropped: Dropped::default() })
    }
}

/// Reads the body of an Interface Statistics Block: the interface's number, and what it dropped so far.
pub(super) fn statistics(order: Order, body: &[u8]) -> Option<(u32, Dropped)> {
    const DROPPED_BY_INTERFACE: OptionCode = OptionCode(5);
    const DROPPED_BY_SYSTEM: OptionCode = OptionCode(7);
    let (&[a, b, c, d, ..], options) = body.split_first_chunk::<12>()?;
    let mut dropped = Dropped::default();
    each_option(order, options, |code, value| {
        let count = value.first_chunk().map_or(0, |v| u64::try_from(order.i64(*v)).unwrap_or(0));
        match code {
            DROPPED_BY_INTERFACE => dropped.by_interface = count,
            DROPPED_BY_SYSTEM => dropped.by_kernel = count,
            _ => {}
        }
    });
    Some((order.u32([a, b, c, d]), dropped))
}

/// Options in order, with their values as they stand: padding is not always there, and so not left out. A
/// broken option ends the list and spoils nothing else.
fn each_option(order: Order, mut options: &[u8], mut each: impl FnMut(OptionCode, &[u8])) {
    let parse = match order {
        Order::Big => parse_option_be::<PcapError<&[u8]>>,
        Order::Little => parse_option_le::<PcapError<&[u8]>>,
    };
    while let Ok((rest, option)) = parse(options) {
        if option.code == OptionCode::EndOfOpt {
            return;
        }
        each(option.code, option.as_bytes().unwrap_or_default());
        options = rest;
    }
}

/// What an interface's timestamps count.
pub(super) struct Clock {
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
    pub(super) fn at(&self, units: u64) -> Timestamp {
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
