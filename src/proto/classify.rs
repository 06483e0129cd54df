//! Decides, by content, which protocol a flow speaks.

use super::{Opening, PROTOCOLS, Protocol, Verdict};
use crate::model::flow::Transport;
use crate::model::limits;

/// What is known of a flow's protocol.
#[derive(Clone, Copy, Debug)]
pub enum Decision {
    /// This one. `swapped`: client and server are the other way round than the opening said.
    Is {
        /// The protocol.
        protocol: &'static Protocol,
        /// Whether the roles were guessed wrongly.
        swapped: bool,
    },
    /// Too early to tell.
    Wait,
    /// None of them.
    Unknown,
}

/// Asks every probe except those of `refused` (whose analyzers said it was not theirs). With
/// `may_swap`, the roles were guessed, and the opening is also tried the other way round.
pub fn decide(transport: Transport, opening: &Opening<'_>, may_swap: bool, refused: &[&'static str]) -> Decision {
    let reversed = Opening { to_server: opening.to_client, to_client: opening.to_server, ..*opening };
    let carried = transport.carries_as();
    let candidates = || PROTOCOLS.iter().copied().filter(|p| p.transport == carried && !refused.contains(&p.name));
    let mut likely: Option<(bool, &'static Protocol, bool)> = None;
    let mut undecided = false;
    for (side, swapped) in [(opening, false), (&reversed, true)] {
        if swapped && !may_swap {
            continue;
        }
        for protocol in candidates() {
            match (protocol.probe)(side) {
                Verdict::Certain => return Decision::Is { protocol, swapped },
                Verdict::Likely => {
                    let usual = protocol.ports.contains(&opening.server_port);
                    if likely.is_none_or(|(best, ..)| usual && !best) {
                        likely = Some((usual, protocol, swapped));
                    }
                }
                Verdict::NeedMore => undecided = true,
                Verdict::No => {}
            }
        }
    }
    let full = |side: &[u8]| side.len() >= limits::OPENING_BYTES;
    let last_call = opening.ended || full(opening.to_server) || full(opening.to_client);
    match likely {
        Some((_, protocol, swapped)) if last_call || !undecided => Decision::Is { protocol, swapped },
        _ if undecided && !last_call => Decision::Wait,
        _ => Decision::Unknown,
    }
}
