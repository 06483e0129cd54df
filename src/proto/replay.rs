//! The test kit for analyzers: plays a conversation written down in a test, and tells what was said.

use super::session::{Session, SessionSink};
use super::{PROTOCOLS, Protocol};
use crate::model::event::{Event, LinkFact, Outcome};
use crate::model::flow::{Direction, Endpoint, Flow, FlowId, Roles, Transport};
use crate::model::packet::{FrameNo, Mark};
use crate::model::stream::{Origin, Stretch};

/// One delivery: who sends, and what.
pub(crate) type Turn<'a> = (Direction, &'a [u8]);

/// Shorthand for conversations in tests.
pub(crate) const C: Direction = Direction::ToServer;
/// Shorthand for conversations in tests.
pub(crate) const S: Direction = Direction::ToClient;

/// What was said, a line each, without packets:
/// `login MECHANISM USER:SECRET OUTCOME @FIELD`, `field KIND PLACE NAME=VALUE[ of ACCOUNT][ OUTCOME]`,
/// `text PLACE FORMAT RESOURCE[ OUTCOME] CONTENT` (all
/// pieces of a run joined), `weak KIND VALUE`, `link …`, `tls VERSION CIPHER SNI`, `skipped REASON BYTES`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) protocols: Vec<&'static str>,
    pub(crate) lines: Vec<String>,
}

impl Said {
    /// Whether a line says so.
    pub(crate) fn has(&self, line: &str) -> bool {
        self.lines.iter().any(|l| l == line)
    }

    /// The lines that start so.
    pub(crate) fn all(&self, start: &str) -> Vec<&str> {
        self.lines.iter().map(String::as_str).filter(|l| l.starts_with(start)).collect()
    }
}

/// Plays a conversation through classification and analysis.
pub(crate) fn play(turns: &[Turn<'_>]) -> Said {
    play_pieces(turns.iter().copied())
}

/// Plays a conversation to one protocol's analyzer, and checks that
/// * its probe recognises the whole conversation as nothing else does with certainty,
/// * every way to cut the conversation once, and cutting it into single bytes, says the same,
/// * ending it early at any byte, or missing any one turn, does no harm.
pub(crate) fn play_every_cut(protocol: &'static Protocol, turns: &[Turn<'_>]) -> Said {
    let whole = play(turns);
    assert!(whole.protocols.contains(&protocol.name), "recognised as {:?}", whole.protocols);
    let bytes = turns.iter().flat_map(|(d, b)| (0..b.len()).map(move |n| (*d, b.get(n..=n).unwrap_or_default())));
    assert_eq!(play_pieces(bytes), whole, "delivered byte by byte");
    let total: usize = turns.iter().map(|(_, b)| b.len()).sum();
    let step = (total / 2000).max(1);
    for (turn, (direction, text)) in turns.iter().enumerate() {
        for cut in (1..text.len()).step_by(step) {
            let (left, right) = text.split_at(cut);
            let before = turns.iter().copied().take(turn);
            let after = turns.iter().copied().skip(turn + 1);
            let halves = [(*direction, left), (*direction, right)];
            assert_eq!(play_pieces(before.clone().chain(halves).chain(after)), whole, "turn {turn} cut at {cut}");
            play_pieces(before.chain([(*direction, left)]));
        }
        play_with_gap(turns, turn);
    }
    whole
}

/// Plays a conversation of which the bytes of one turn were not captured.
pub(crate) fn play_with_gap(turns: &[Turn<'_>], missing: usize) -> Said {
    let mut player = Player::new();
    for (turn, (direction, bytes)) in turns.iter().enumerate() {
        if turn == missing {
            player.session.gap(*direction, bytes.len() as u64, &mut player.said);
        } else {
            player.deliver(*direction, bytes);
        }
    }
    player.finish()
}

/// Plays a conversation of datagrams.
pub(crate) fn play_datagrams(transport: Transport, turns: &[Turn<'_>]) -> Said {
    let mut player = Player::over(transport);
    for (direction, bytes) in turns {
        player.deliver(*direction, bytes);
    }
    player.finish()
}

fn play_pieces<'a>(pieces: impl Iterator<Item = Turn<'a>>) -> Said {
    let mut player = Player::new();
    for (direction, bytes) in pieces {
        player.deliver(direction, bytes);
    }
    player.finish()
}

struct Player {
    session: Session,
    said: Recorder,
    frame: u64,
}

impl Player {
    fn new() -> Self {
        Self::over(Transport::Tcp)
    }

    fn over(transport: Transport) -> Self {
        let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
        let flow = Flow {
            id: FlowId(1),
            transport,
            client: end(40_000),
            server: end(9),
            roles: Roles::Handshake,
            tunnel: None,
        };
        Self { session: Session::new(flow, false), said: Recorder::default(), frame: 0 }
    }

    fn deliver(&mut self, direction: Direction, bytes: &[u8]) {
        self.frame += 1;
        let mark = Mark { frame: FrameNo { file: 0, number: self.frame }, ..Mark::default() };
        self.session.data(direction, Stretch { bytes, origins: &[Origin { start: 0, mark }] }, &mut self.said);
    }

    fn finish(mut self) -> Said {
        self.session.end(&mut self.said);
        self.said.finish()
    }
}

#[derive(Default)]
struct Recorder {
    said: Said,
    /// Texts by place, direction and resource, joined.
    texts: Vec<(String, String)>,
    skipped: std::collections::BTreeMap<&'static str, u64>,
}

impl Recorder {
    fn finish(mut self) -> Said {
        for (place, content) in self.texts {
            self.said.lines.push(format!("text {place} {content}"));
        }
        for (reason, bytes) in self.skipped {
            self.said.lines.push(format!("skipped {reason} {bytes}"));
        }
        self.said
    }
}

impl SessionSink for Recorder {
    fn event(&mut self, _flow: &Flow, _protocol: &'static Protocol, event: Event<'_>) {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = match event {
            Event::Login(l) => format!(
                "login {} {}:{} {} @{}",
                l.mechanism,
                l.username.map(lossy).unwrap_or_default(),
                lossy(l.secret.expose()),
                l.outcome.name(),
                l.field
            ),
            Event::Field(f) => {
                let account = f.account.map(|a| format!(" of {}", lossy(a))).unwrap_or_default();
                let value = lossy(f.value.expose());
                format!("field {} {} {}={value}{account}{}", f.kind.name(), f.place, f.name, known(f.outcome))
            }
            Event::Weakness(w) => format!("weak {} {}", w.kind, w.value),
            Event::Tls(t) => format!(
                "tls {} {} {}",
                t.version.unwrap_or("-"),
                t.cipher.as_deref().unwrap_or("-"),
                t.sni.as_deref().unwrap_or("-")
            ),
            Event::Link(LinkFact::Encrypted(_)) => return,
            Event::Link(fact) => format!("link {fact:?}"),
            Event::Beyond(cap) => format!("beyond {cap:?}"),
            Event::Skipped { reason, bytes } => {
                *self.skipped.entry(reason.name()).or_default() += bytes;
                return;
            }
            Event::Text(t) => {
                let place = format!("{} {:?} {}{}", t.place, t.format, t.resource, known(t.outcome));
                let new = lossy(t.data.bytes.get(t.seen..).unwrap_or_default());
                match self.texts.last_mut() {
                    Some((last, content)) if *last == place && t.seen > 0 => content.push_str(&new),
                    _ => self.texts.push((place, new)),
                }
                return;
            }
        };
        self.said.lines.push(line);
    }

    fn recognised(&mut self, _flow: &Flow, protocol: &'static Protocol) {
        self.said.protocols.push(protocol.name);
    }
}

/// An outcome, where there is one.
fn known(outcome: Outcome) -> String {
    if outcome == Outcome::Unknown { String::new() } else { format!(" {}", outcome.name()) }
}

/// No two protocols may share a name, and every port hint is there once a protocol.
#[test]
fn the_list_of_protocols_is_sound() {
    let mut names: Vec<_> = PROTOCOLS.iter().map(|p| (p.name, p.transport)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PROTOCOLS.len());
}
