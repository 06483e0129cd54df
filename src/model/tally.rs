//! Counters. Whatever was not analysed is counted here by reason, so that zero findings is a statement.

use std::collections::BTreeMap;

use super::limits::Cap;

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// How many packets (or messages, for what was skipped inside a stream).
    pub packets: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Volume {
    /// Adds one packet of `bytes` bytes.
    pub const fn add(&mut self, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
    }

    /// Adds all of another volume.
    pub const fn merge(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// What was skipped, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped(BTreeMap<&'static str, Volume>);

impl Skipped {
    /// Counts one packet or message of `bytes` bytes under `reason`.
    pub fn add(&mut self, reason: &'static str, bytes: u64) {
        self.0.entry(reason).or_default().add(bytes);
    }

    /// Counts packets or messages under `reason`.
    pub fn add_volume(&mut self, reason: &'static str, volume: Volume) {
        self.0.entry(reason).or_default().merge(volume);
    }

    /// Adds all of another count.
    pub fn merge(&mut self, other: &Self) {
        for (reason, volume) in &other.0 {
            self.add_volume(reason, *volume);
        }
    }

    /// What was skipped for one reason.
    pub fn of(&self, reason: &str) -> Volume {
        self.0.get(reason).copied().unwrap_or_default()
    }

    /// Reasons and volumes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Volume)> + '_ {
        self.0.iter().map(|(reason, volume)| (*reason, *volume))
    }
}

/// Limits that were reached, by what is counted then, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached(BTreeMap<&'static str, u64>);

impl Reached {
    /// Counts something `times` times; of what did not happen nothing is kept.
    pub fn add(&mut self, what: &'static str, times: u64) {
        if times > 0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// Counts a cap that was reached.
    pub fn cap(&mut self, cap: Cap) {
        self.add(cap.counted(), 1);
    }

    /// Adds all of another count.
    pub fn merge(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.add(what, *times);
        }
    }

    /// What was reached and how often, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, times)| (*what, *times))
    }
}

/// What the flow table and the assemblers counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamTally {
    /// TCP flows.
    pub tcp: u64,
    /// UDP flows.
    pub udp: u64,
    /// SCTP associations.
    pub sctp: u64,
    /// Pairs of ends of PPP between which logins were seen.
    pub ppp: u64,
    /// TCP and SCTP flows whose handshake was not seen.
    pub midstream: u64,
    /// TCP and SCTP flows of which one direction alone was seen.
    pub one_way: u64,
    /// Holes in the capture of a stream.
    pub gaps: u64,
    /// Bytes missing in them.
    pub gap_bytes: u64,
    /// Bytes that came again and were left out.
    pub retransmitted_bytes: u64,
    /// Bytes that came again with another content; the first content stands.
    pub conflicting_bytes: u64,
    /// Segments that their receiver did not take: a wrong checksum, where that sender's others are right.
    pub corrupt: u64,
    /// IP fragments smaller than any network needs them to be.
    pub tiny_fragments: u64,
    /// TCP and SCTP handshakes that were never completed: nobody answered, or the client did not go on.
    pub half_open: u64,
    /// TCP and SCTP handshakes that were answered with a RST or an ABORT.
    pub refused: u64,
    /// Flows that had to make room for others.
    pub evicted: u64,
    /// Of these, flows that nobody had answered.
    pub evicted_unanswered: u64,
    /// Of these, flows of clients that had more than their share.
    pub evicted_crowding: u64,
    /// Handshakes that had to make room for others.
    pub evicted_half_open: u64,
    /// Gaps that are such because too much came after them.
    pub capped_gaps: u64,
    /// Unanswered UDP flows that had to make room for others.
    pub evicted_udp: u64,
    /// Flows that reached a limit of their own.
    pub capped: u64,
}

impl StreamTally {
    /// Flows of all transports.
    pub const fn all(&self) -> u64 {
        self.tcp + self.udp + self.sctp + self.ppp
    }

    /// Adds all of another count.
    pub const fn merge(&mut self, other: &Self) {
        self.tcp += other.tcp;
        self.udp += other.udp;
        self.sctp += other.sctp;
        self.ppp += other.ppp;
        self.midstream += other.midstream;
        self.one_way += other.one_way;
        self.gaps += other.gaps;
        self.gap_bytes += other.gap_bytes;
        self.retransmitted_bytes += other.retransmitted_bytes;
        self.conflicting_bytes += other.conflicting_bytes;
        self.corrupt += other.corrupt;
        self.tiny_fragments += other.tiny_fragments;
        self.half_open += other.half_open;
        self.refused += other.refused;
        self.evicted += other.evicted;
        self.evicted_unanswered += other.evicted_unanswered;
        self.evicted_crowding += other.evicted_crowding;
        self.evicted_half_open += other.evicted_half_open;
        self.capped += other.capped;
        self.capped_gaps += other.capped_gaps;
        self.evicted_udp += other.evicted_udp;
    }
}
