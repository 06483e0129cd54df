//! The limits an operator may set: what they bound, and what happens when they are reached.

use super as limits;

/// The limits an operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows in the table, but for those whose handshake is not complete.
    pub flows: usize,
    /// Handshakes that are waited for.
    pub half_open: usize,
    /// UDP flows that nobody has answered.
    pub udp_unanswered: usize,
    /// Bytes held for one direction of a flow.
    pub reorder_bytes: usize,
    /// Bytes held for all flows.
    pub reorder_total_bytes: usize,
    /// Seconds until a silent TCP flow is forgotten.
    pub tcp_idle_seconds: i64,
    /// Seconds until a half-open or closed TCP flow is forgotten.
    pub tcp_short_seconds: i64,
    /// Seconds until a silent UDP flow is forgotten.
    pub udp_idle_seconds: i64,
    /// Seconds until a silent UDP flow is forgotten that nobody has answered.
    pub udp_short_seconds: i64,
    /// Bytes of IP fragments that wait for others.
    pub fragment_bytes: usize,
    /// Seconds until the rest of a datagram is not waited for.
    pub fragment_seconds: i64,
    /// Contents that each worker remembers.
    pub contents: usize,
    /// Decoded bytes of one message body.
    pub body_bytes: usize,
    /// Links of the ledger.
    pub links: usize,
    /// Links of the ledger on which one side alone spoke, and nothing that is known.
    pub mute_links: usize,
    /// Distinct TLS handshakes of the ledger.
    pub handshakes: usize,
    /// Announced connections of the ledger.
    pub expected: usize,
    /// Distinct findings.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: limits::FLOWS,
            half_open: limits::HALF_OPEN,
            udp_unanswered: limits::UDP_UNANSWERED,
            reorder_bytes: limits::REORDER_BYTES,
            reorder_total_bytes: limits::REORDER_TOTAL_BYTES,
            tcp_idle_seconds: limits::TCP_IDLE_SECONDS,
            tcp_short_seconds: limits::TCP_SHORT_SECONDS,
            udp_idle_seconds: limits::UDP_IDLE_SECONDS,
            udp_short_seconds: limits::UDP_SHORT_SECONDS,
            fragment_bytes: limits::FRAGMENT_BYTES,
            fragment_seconds: limits::FRAGMENT_SECONDS,
            contents: limits::CONTENTS,
            body_bytes: limits::BODY_TOTAL_BYTES,
            links: limits::LINKS,
            mute_links: limits::MUTE_LINKS,
            handshakes: limits::HANDSHAKES,
            expected: limits::EXPECTED,
            findings: limits::FINDINGS,
        }
    }
}

/// One limit that can be set.
#[derive(Debug)]
pub struct Limit {
    /// What it is called where it is set.
    pub name: &'static str,
    /// What it counts, and where it stands.
    pub value: Value,
    /// What it bounds.
    pub bounds: &'static str,
    /// What happens when it is reached.
    pub then: &'static str,
    /// What the summary counts then; nothing where time runs out as it should.
    pub counted: Option<&'static str>,
}

/// What a limit counts, and where it stands among the [`Limits`].
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Bytes.
    Bytes(fn(&mut Limits) -> &mut usize),
    /// Things.
    Count(fn(&mut Limits) -> &mut usize),
    /// Seconds of packet time.
    Seconds(fn(&mut Limits) -> &mut i64),
}

impl Limit {
    /// The limit of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|limit| limit.name == name)
    }

    /// What it is by default, as one would type it.
    pub fn default(&self) -> String {
        let mut limits = Limits::default();
        match self.value {
            Value::Bytes(place) | Value::Count(place) => shortest(*place(&mut limits) as u64, SIZES),
            Value::Seconds(place) => shortest(place(&mut limits).unsigned_abs(), TIMES),
        }
    }

    /// Sets it to what was typed: `500000`, `2M`, `10m`. The error says what can be typed.
    pub fn set(&self, limits: &mut Limits, typed: &str) -> Result<(), &'static str> {
        const SIZE: &str = "a number above 0, maybe with k, M or G behind it";
        const TIME: &str = "a number of seconds above 0, or a number with s, m, h or d behind it";
        match self.value {
            Value::Bytes(place) | Value::Count(place) => {
                let number = number(typed, SIZES).and_then(|number| usize::try_from(number).ok());
                *place(limits) = number.filter(|number| *number <= MOST).ok_or(SIZE)?;
            }
            Value::Seconds(place) => {
                let seconds = number(typed, TIMES).and_then(|number| i64::try_from(number).ok());
                *place(limits) = seconds.filter(|seconds| *seconds <= LONGEST).ok_or(TIME)?;
            }
        }
        Ok(())
    }
}

/// More than any machine has; sums of such still fit.
const MOST: usize = 1 << 48;

/// A hundred years, in seconds: as nanoseconds they still fit.
const LONGEST: i64 = 100 * 365 * 86_400;

type Units = &'static [(char, u64)];

const SIZES: Units = &[('G', 1 << 30), ('M', 1 << 20), ('k', 1 << 10)];
const TIMES: Units = &[('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

fn number(typed: &str, units: Units) -> Option<u64> {
    let unit = units.iter().find(|(unit, _)| typed.ends_with([*unit, unit.to_ascii_uppercase()]));
    let (digits, factor) = match unit {
        Some((_, factor)) => (typed.get(..typed.len() - 1)?, *factor),
        None => (typed, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor).filter(|number| *number > 0)
}

fn shortest(number: u64, units: Units) -> String {
    match units.iter().find(|(_, factor)| number.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", number / factor),
        None => number.to_string(),
    }
}

/// What the summary counts when a limit is reached: its words are the keys there.
pub mod counted {
    /// Too many announced connections.
    pub const EXPECTED: &str = "announced connections not remembered";
    /// An analyzer failed.
    pub const FAULTS: &str = "flows given up after a fault";
    /// Too many findings.
    pub const FINDINGS: &str = "findings not kept";
    /// Too many flows.
    pub const FLOWS: &str = "connections given up: too many at a time";
    /// Too many fragments.
    pub const FRAGMENTS: &str = "IP datagrams given up: too many fragments wait";
    /// Too many handshakes of TCP.
    pub const HALF_OPEN: &str = "handshakes given up: too many at a time";
    /// Too many handshakes of TLS.
    pub const HANDSHAKES: &str = "TLS handshakes not listed";
    /// Too many links.
    pub const LINKS: &str = "flows of links not kept";
    /// Too many links on which one side alone spoke.
    pub const MUTE_LINKS: &str = "flows of mute links not kept";
    /// Too many bytes of a line, a message, a document, what is inside of one.
    pub const OVERLONG: &str = "messages longer than is read";
    /// Too many bytes of all flows behind gaps.
    pub const REORDER_TOTAL: &str = "connections with gaps taken for lost: no room to wait";
    /// Too many bytes of one flow behind a gap.
    pub const REORDER: &str = "gaps taken for lost: too much came after them";
    /// A report's target was too slow, or broken.
    pub const UNWRITTEN: &str = "lines of reports not written";
    /// Too many unanswered flows of UDP.
    pub const UDP_UNANSWERED: &str = "unanswered UDP conversations ended: too many at a time";
}

/// All that can be set, in the order packets meet them.
pub const TABLE: &[Limit] = &[
    Limit {
        name: "fragments",
        value: Value::Bytes(|limits| &mut limits.fragment_bytes),
        bounds: "IP fragments that wait for the rest of their datagrams",
        then: "the datagram begun first is given up",
        counted: Some(counted::FRAGMENTS),
    },
    Limit {
        name: "fragment-wait",
        value: Value::Seconds(|limits| &mut limits.fragment_seconds),
        bounds: "how long the rest of a datagram is waited for",
        then: "its fragments are skipped as incomplete",
        counted: None,
    },
    Limit {
        name: "flows",
        value: Value::Count(|limits| &mut limits.flows),
        bounds: "connections followed at a time",
        then: "one that is over makes room, else one of a client that has more than a sixteenth of all, else one \
               that nobody answered, else the one idle longest; what it says later begins in the middle",
        counted: Some(counted::FLOWS),
    },
    Limit {
        name: "half-open",
        value: Value::Count(|limits| &mut limits.half_open),
        bounds: "TCP and SCTP handshakes waited for at a time",
        then: "the oldest is forgotten; no connection that came about makes room for a handshake",
        counted: Some(counted::HALF_OPEN),
    },
    Limit {
        name: "udp-unanswered",
        value: Value::Count(|limits| &mut limits.udp_unanswered),
        bounds: "UDP conversations at a time in which one side alone has spoken",
        then: "the one idle longest ends",
        counted: Some(counted::UDP_UNANSWERED),
    },
    Limit {
        name: "tcp-idle",
        value: Value::Seconds(|limits| &mut limits.tcp_idle_seconds),
        bounds: "how long a silent TCP or SCTP connection is kept",
        then: "it ends; what it says later begins in the middle",
        counted: None,
    },
    Limit {
        name: "tcp-handshake",
        value: Value::Seconds(|limits| &mut limits.tcp_short_seconds),
        bounds: "how long a TCP or SCTP handshake is waited for, and one that is over is remembered",
        then: "it is counted as never completed",
        counted: None,
    },
    Limit {
        name: "udp-idle",
        value: Value::Seconds(|limits| &mut limits.udp_idle_seconds),
        bounds: "how long a silent UDP conversation is kept",
        then: "it ends; what is said later is another one",
        counted: None,
    },
    Limit {
        name: "udp-unanswered-idle",
        value: Value::Seconds(|limits| &mut limits.udp_short_seconds),
        bounds: "how long a silent UDP conversation is kept that nobody has answered",
        then: "it ends; what is said later is another one",
        counted: None,
    },
    Limit {
        name: "reassembly",
        value: Value::Bytes(|limits| &mut limits.reorder_total_bytes),
        bounds: "bytes of all connections that came before those in front of them",
        then: "the connection that asks for more takes what is missing for lost",
        counted: Some(counted::REORDER_TOTAL),
    },
    Limit {
        name: "reassembly-each",
        value: Value::Bytes(|limits| &mut limits.reorder_bytes),
        bounds: "the same for one direction of a connection",
        then: "what is missing in front of them is taken for lost",
        counted: Some(counted::REORDER),
    },
    Limit {
        name: "body",
        value: Value::Bytes(|limits| &mut limits.body_bytes),
        bounds: "decoded content of one HTTP message, against decompression bombs",
        then: "the rest is skipped",
        counted: Some(counted::OVERLONG),
    },
    Limit {
        name: "contents",
        value: Value::Count(|limits| &mut limits.contents),
        bounds: "contents that each worker remembers, with the places of what was found in them",
        then: "those not met again are forgotten; when they are met they are read again",
        counted: None,
    },
    Limit {
        name: "findings",
        value: Value::Count(|limits| &mut limits.findings),
        bounds: "distinct findings",
        then: "the mildest are counted and not kept; of equals a fair sample stays",
        counted: Some(counted::FINDINGS),
    },
    Limit {
        name: "links",
        value: Value::Count(|limits| &mut limits.links),
        bounds: "distinct links",
        then: "those on which nothing was found go first",
        counted: Some(counted::LINKS),
    },
    Limit {
        name: "mute-links",
        value: Value::Count(|limits| &mut limits.mute_links),
        bounds: "distinct links on which one side alone spoke, in no known protocol: their addresses may be forged",
        then: "the last ones by address are counted and not kept",
        counted: Some(counted::MUTE_LINKS),
    },
    Limit {
        name: "handshakes",
        value: Value::Count(|limits| &mut limits.handshakes),
        bounds: "distinct TLS handshakes listed",
        then: "the last ones by server are not listed; links and findings know them",
        counted: Some(counted::HANDSHAKES),
    },
    Limit {
        name: "announced",
        value: Value::Count(|limits| &mut limits.expected),
        bounds: "connections announced by others (the data connections of FTP)",
        then: "the last ones by address are not known by their protocol",
        counted: Some(counted::EXPECTED),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_set_and_what_is_shown_can_be_typed() {
        let mut limits = Limits::default();
        let set = |limits: &mut Limits, name: &str, typed| Limit::named(name).expect(name).set(limits, typed);
        assert_eq!(set(&mut limits, "flows", "2M"), Ok(()));
        assert_eq!(set(&mut limits, "udp-idle", "10m"), Ok(()));
        assert_eq!(set(&mut limits, "links", "500"), Ok(()));
        let expected = Limits { flows: 2 << 20, udp_idle_seconds: 600, links: 500, ..Limits::default() };
        assert_eq!(limits, expected);
        for wrong in ["", "0", "-1", "M", "1.5M", "9999999999G", "5h"] {
            assert!(set(&mut limits, "flows", wrong).is_err(), "{wrong}");
        }
        for limit in TABLE {
            let mut limits = Limits::default();
            assert_eq!(limit.set(&mut limits, &limit.default()), Ok(()), "{}", limit.name);
            assert_eq!(limits, Limits::default(), "{}", limit.name);
        }
    }

    #[test]
    fn each_limit_has_a_name_a_value_and_a_count_of_its_own() {
        let mut limits = Limits::default();
        for (n, limit) in TABLE.iter().enumerate() {
            assert_eq!(limit.set(&mut limits, &(n + 1).to_string()), Ok(()));
        }
        let values = TABLE.iter().map(|limit| match limit.value {
            Value::Bytes(place) | Value::Count(place) => *place(&mut limits) as u64,
            Value::Seconds(place) => place(&mut limits).unsigned_abs(),
        });
        assert!(values.eq(1..=TABLE.len() as u64), "two share a value");
        let mut names: Vec<_> = TABLE.iter().map(|limit| limit.name).collect();
        let mut counted: Vec<_> = TABLE.iter().filter_map(|limit| limit.counted).collect();
        for list in [&mut names, &mut counted] {
            let all = list.len();
            list.sort_unstable();
            list.dedup();
            assert_eq!(list.len(), all);
        }
    }
}
