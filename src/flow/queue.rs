//! What a flow waits for, and who makes room for whom when the table is full.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::DefaultHashBuilder;

use crate::model::flow::{Flow, Transport};

/// What a flow waits for to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// The rest of its handshake. Has room of its own: a flood of SYNs pushes nothing else out.
    Handshake,
    /// A word of the side that was never heard, after the other has said all.
    Short,
    /// The stragglers of a connection that is aborted or said to be over.
    Leaving,
    /// The end was told, what is repeated is still recognised.
    Over,
    /// An open flow's silence.
    Open(Transport, Claim),
}

/// How good an open flow's claim to its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Both sides have spoken.
    Answered,
    /// One side alone has: its address may be forged, or a tap sees one direction.
    Unanswered,
    /// Its client has more flows than its share.
    Crowding,
}

impl Claim {
    pub(super) const ALL: [Self; 3] = [Self::Answered, Self::Unanswered, Self::Crowding];
}

/// When the table is full, unanswered flows go first while they are more than this part of it.
pub(super) const UNANSWERED_PART: usize = 4;

/// A client crowds the table with more than this part of it,
const CROWD_PART: usize = 16;

/// unless that is fewer flows than a busy host needs.
const CROWD_LEAST: usize = 256;

impl Queue {
    pub(super) const COUNT: usize = 16;

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Handshake => 0,
            Self::Short => 1,
            Self::Leaving => 2,
            Self::Over => 3,
            Self::Open(Transport::Tcp, claim) => 4 + claim as usize,
            Self::Open(Transport::Udp, claim) => 7 + claim as usize,
            Self::Open(Transport::Sctp, claim) => 10 + claim as usize,
            Self::Open(Transport::Ppp, claim) => 13 + claim as usize,
        }
    }
}

/// How many flows each client has. Addresses that share a place by chance are counted together: they
/// make room a little sooner, no more.
#[derive(Debug)]
pub(super) struct Crowds {
    flows: Box<[u32]>,
    hasher: DefaultHashBuilder,
    share: u32,
}

impl Crowds {
    const PLACES: usize = 1 << 16;

    /// For a table of so many flows.
    pub(super) fn new(flows: usize) -> Self {
        Self {
            flows: vec![0; Self::PLACES].into(),
            hasher: DefaultHashBuilder::default(),
            share: u32::try_from((flows / CROWD_PART).max(CROWD_LEAST)).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn enter(&mut self, client: IpAddr) {
        if let Some(flows) = self.place(client) {
            *flows += 1;
        }
    }

    pub(super) fn leave(&mut self, client: IpAddr) {
        if let Some(flows) = self.place(client) {
            *flows -= 1;
        }
    }

    /// The claim of an open flow.
    pub(super) fn claim(&self, flow: &Flow, answered: bool) -> Claim {
        let crowding = self.flows.get(self.at(flow.client.ip)).is_some_and(|flows| *flows > self.share);
        match (crowding, answered) {
            (true, _) => Claim::Crowding,
            (false, true) => Claim::Answered,
            (false, false) => Claim::Unanswered,
        }
    }

    fn place(&mut self, client: IpAddr) -> Option<&mut u32> {
        let at = self.at(client);
        self.flows.get_mut(at)
    }

    /// A host chooses freely among the addresses of its IPv6 network: they count as one.
    fn at(&self, client: IpAddr) -> usize {
        let hash = match client {
            IpAddr::V4(ip) => self.hasher.hash_one(ip),
            IpAddr::V6(ip) => self.hasher.hash_one(ip.to_bits() >> 64),
        };
        hash as usize % Self::PLACES
    }
}
