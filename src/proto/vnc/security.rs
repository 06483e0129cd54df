//! From the first byte until the client is let in or encryption begins (RFC 6143, sections 7.1 and 7.2). Security types
//! that are not in it are as the community's description of the protocol has them.

use crate::content::hex;
use crate::model::event::{Event, EventSink, Grade, LinkFact, Outcome, Proof, Weakness};
use crate::model::flow::Direction;
use crate::model::link::Encryption;
use crate::model::secret::HeldSecret;
use crate::model::stream::Input;
use crate::proto::cursor::Cursor;
use crate::proto::login::HeldLogin;
use crate::proto::upgrade::Offer;

/// Security types.
const NONE: u32 = 1;
const VNC: u32 = 2;
const RA2: u32 = 5;
const RA2_CLEAR: u32 = 6;
const TIGHT: u32 = 16;
const TLS: u32 = 18;
const VENCRYPT: u32 = 19;
const APPLE: u32 = 30;
const MS_LOGON: u32 = 113;
const RA2_256: u32 = 129;
const RA2_256_CLEAR: u32 = 130;

/// The version of VeNCrypt whose types have four bytes.
const VENCRYPT_VERSION: u16 = 0x0002;
/// Types inside of it: name and password as they are, and everything in TLS.
const PLAIN: u32 = 256;
const WITH_TLS: std::ops::RangeInclusive<u32> = 257..=264;

/// A type inside of Tight: name and password as they are.
const TIGHT_UNIX: u32 = 129;
/// Length of the description of something that a server of Tight can do, and how many such things there may be.
const CAPABILITY: usize = 16;
const CAPABILITIES: usize = 256;

/// Longest name or password.
const NAME: usize = 1024;

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    ServerVersion,
    ClientVersion,
    /// In version 3.3 the server decides.
    Decision,
    /// Later it offers.
    Types,
    Choice,
    Challenge,
    Response([u8; 16]),
    NameAndPassword(&'static str),
    AppleKey,
    MsLogonKey,
    /// Of this length: name and password, encrypted.
    Sealed(usize),
    Result,
    Enter,
    VencryptVersion,
    VencryptAgreement,
    VencryptAnswer,
    VencryptTypes,
    VencryptChoice,
    VencryptTls,
    TightTunnels,
    TightTunnel,
    TightTypes,
    TightChoice,
}

/// What a message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    On,
    /// The client is in.
    In,
    Tls,
    /// Nothing more can be read.
    Stop,
    /// It is another protocol.
    Other,
    Bad,
}

/// One negotiation.
#[derive(Default)]
pub(super) struct Security {
    state: State,
    /// The minor version.
    minor: u16,
    /// A type that is offered puts the connection into TLS.
    tls: bool,
    login: Option<HeldLogin>,
    offer: Offer,
}

/// `RFB 003.008` and a line feed (RFC 6143, section 7.1.1): the minor version. `None` inside: it is something else.
#[allow(clippy::option_option, reason = "too little and something else are different answers")]
pub(super) fn version(cursor: &mut Cursor<'_>) -> Option<Option<u16>> {
    let [b'R', b'F', b'B', b' ', major @ .., b'.', d, e, f, b'\n'] = cursor.array::<12>()? else { return Some(None) };
    let number = |digits: [u8; 3]| {
        let digit = |n: u16, digit: &u8| digit.is_ascii_digit().then(|| n * 10 + u16::from(digit - b'0'));
        digits.iter().try_fold(0, digit)
    };
    // Servers that call themselves 4 and 5 negotiate as those of 3.8 do.
    let versions = number(major).zip(number([d, e, f]));
    Some(versions.map(|(major, minor)| if major > 3 { 8 } else { minor }))
}

impl Security {
    /// Who speaks next.
    pub(super) const fn turn(&self) -> Direction {
        match self.state {
            State::ClientVersion
            | State::Choice
            | State::Response(_)
            | State::NameAndPassword(_)
            | State::Sealed(_)
            | State::Enter
            | State::VencryptAgreement
            | State::VencryptChoice
            | State::TightTunnel
            | State::TightChoice => Direction::ToServer,
            _ => Direction::ToClient,
        }
    }

    /// Takes the next message, which begins at `at`. `None`: it is not all there.
    pub(super) fn step(
        &mut self,
        cursor: &mut Cursor<'_>,
        input: Input<'_>,
        at: usize,
        out: &mut dyn EventSink,
    ) -> Option<Step> {
        let next = match self.state {
            State::ServerVersion => version(cursor)?.map_or(Err(Step::Other), |_| Ok(State::ClientVersion)),
            State::ClientVersion => version(cursor)?.map_or(Err(Step::Other), |minor| {
                self.minor = minor;
                Ok(if minor < 7 { State::Decision } else { State::Types })
            }),
            State::Decision => self.chosen(cursor.u32_be()?, input, at, out),
            State::Types => {
                let count = cursor.u8()?;
                let types = cursor.take(count.into())?;
                self.tls = types.iter().any(|kind| matches!(u32::from(*kind), TLS | VENCRYPT));
                if types.is_empty() { Err(Step::Stop) } else { Ok(State::Choice) }
            }
            State::Choice => {
                let kind = cursor.u8()?.into();
                if self.tls && kind != VENCRYPT {
                    self.offer.listed(true);
                }
                self.chosen(kind, input, at, out)
            }
            State::Challenge => Ok(State::Response(cursor.array()?)),
            State::Response(challenge) => {
                let response: [u8; 16] = cursor.array()?;
                let [challenge, response] = [challenge, response].map(|half| hex::encode(&half).to_uppercase());
                let secret = HeldSecret::new(format!("$vnc$*{challenge}*{response}"));
                let span = input.span(at..at + cursor.position());
                let proof = Proof::ChallengeResponse { hashcat: None };
                self.login = Some(HeldLogin { mechanism: "vnc", proof, username: None, secret, span });
                Ok(State::Result)
            }
            State::NameAndPassword(mechanism) => {
                let lengths = [cursor.u32_be()? as usize, cursor.u32_be()? as usize];
                if lengths.iter().any(|length| *length > NAME) {
                    return Some(Step::Bad);
                }
                let [user, password] = lengths;
                let (user, password) = (cursor.take(user)?, cursor.take(password)?);
                let span = input.span(at..at + cursor.position());
                self.login = Some(HeldLogin::clear(mechanism, Some(user), password, span));
                Ok(State::Result)
            }
            // A generator, the length of the numbers that follow, a modulus and a public key. Name and password come
            // encrypted, before another public key.
            State::AppleKey => {
                cursor.u16_be()?;
                let length = usize::from(cursor.u16_be()?);
                cursor.skip(2 * length)?;
                Ok(State::Sealed(128 + length))
            }
            // Generator, modulus and public key of 64 bits each; a public key, name and password come back.
            State::MsLogonKey => {
                cursor.skip(24)?;
                Ok(State::Sealed(8 + 256 + 64))
            }
            State::Sealed(length) => {
                cursor.skip(length)?;
                Ok(State::Result)
            }
            State::Result => self.judged(cursor.u32_be()?, out),
            State::Enter => {
                cursor.u8()?;
                Err(Step::In)
            }
            _ => self.wrapped(cursor, input, at, out)?,
        };
        Some(match next {
            Ok(state) => {
                self.state = state;
                Step::On
            }
            Err(step) => step,
        })
    }

    /// The negotiation is over, or the connection is.
    pub(super) fn end(&mut self, out: &mut dyn EventSink) {
        self.settle(Outcome::Unknown, out);
        self.offer.ended(out);
    }

    /// The messages of types that have types inside.
    fn wrapped(
        &mut self,
        cursor: &mut Cursor<'_>,
        input: Input<'_>,
        at: usize,
        out: &mut dyn EventSink,
    ) -> Option<Result<State, Step>> {
        Some(match self.state {
            State::VencryptVersion => {
                cursor.u16_be()?;
                Ok(State::VencryptAgreement)
            }
            State::VencryptAgreement if cursor.u16_be()? == VENCRYPT_VERSION => Ok(State::VencryptAnswer),
            State::VencryptAnswer if cursor.u8()? == 0 => Ok(State::VencryptTypes),
            State::VencryptTypes => {
                let count = usize::from(cursor.u8()?);
                let mut types = cursor.sub(4 * count)?;
                if std::iter::from_fn(|| types.u32_be()).any(|kind| WITH_TLS.contains(&kind)) {
                    self.offer.listed(true);
                }
                Ok(State::VencryptChoice)
            }
            State::VencryptChoice => match cursor.u32_be()? {
                PLAIN => Ok(State::NameAndPassword("plain")),
                kind if WITH_TLS.contains(&kind) => Ok(State::VencryptTls),
                kind if kind < PLAIN && kind != VENCRYPT => self.chosen(kind, input, at, out),
                _ => Err(Step::Stop),
            },
            State::VencryptTls if cursor.u8()? == 1 => Err(self.switch(out)),
            State::TightTunnels => match capabilities(cursor)? {
                Some(0) => Ok(State::TightTypes),
                Some(_) => Ok(State::TightTunnel),
                None => Err(Step::Bad),
            },
            // There are none but the one that is none.
            State::TightTunnel if cursor.u32_be()? == 0 => Ok(State::TightTypes),
            State::TightTypes => match capabilities(cursor)? {
                Some(0) => self.chosen(NONE, input, at, out),
                Some(_) => Ok(State::TightChoice),
                None => Err(Step::Bad),
            },
            State::TightChoice => match cursor.u32_be()? {
                kind @ (NONE | VNC) => self.chosen(kind, input, at, out),
                TIGHT_UNIX => Ok(State::NameAndPassword("clear")),
                _ => Err(Step::Stop),
            },
            _ => Err(Step::Stop),
        })
    }

    /// This is how the client is to log in, and what protects the rest.
    fn chosen(&mut self, kind: u32, input: Input<'_>, at: usize, out: &mut dyn EventSink) -> Result<State, Step> {
        let mut auth = |name| out.event(Event::Link(LinkFact::Auth(name)));
        match kind {
            NONE => {
                let (kind, value, note) = ("link.guest", "none", "the server asks for no password");
                let (direction, span) = (input.direction, input.span(at..at + 1));
                out.event(Event::Weakness(Weakness { kind, value, note, grade: Grade::Broken, direction, span }));
                // Before 3.8 there is no result.
                Ok(if self.minor < 8 { State::Enter } else { State::Result })
            }
            VNC => Ok(State::Challenge),
            RA2 | RA2_256 => {
                auth("ra2");
                out.event(Event::Link(LinkFact::Encrypted(Encryption::Own)));
                Err(Step::Stop)
            }
            // The session is in the clear, but where the encrypted login ends cannot be seen.
            RA2_CLEAR | RA2_256_CLEAR => {
                auth("ra2");
                Err(Step::Stop)
            }
            TIGHT => Ok(State::TightTunnels),
            TLS => Err(self.switch(out)),
            VENCRYPT => Ok(State::VencryptVersion),
            APPLE => {
                auth("ard");
                Ok(State::AppleKey)
            }
            MS_LOGON => {
                auth("mslogon2");
                Ok(State::MsLogonKey)
            }
            _ => Err(Step::Stop),
        }
    }

    fn judged(&mut self, code: u32, out: &mut dyn EventSink) -> Result<State, Step> {
        self.settle(if code == 0 { Outcome::Accepted } else { Outcome::Rejected }, out);
        match code {
            0 => Ok(State::Enter),
            // Wrong, or too many attempts.
            1..=2 => Err(Step::Stop),
            _ => Err(Step::Bad),
        }
    }

    fn settle(&mut self, outcome: Outcome, out: &mut dyn EventSink) {
        if let Some(login) = self.login.take() {
            login.report("vnc.login", outcome, out);
            self.offer.login(&login, out);
        }
    }

    fn switch(&mut self, out: &mut dyn EventSink) -> Step {
        self.offer.switched(out);
        Step::Tls
    }
}

/// A list of what a server of Tight can do: how many things are in it. `None` inside: too many to be true.
#[allow(clippy::option_option, reason = "too little and too much are different answers")]
fn capabilities(cursor: &mut Cursor<'_>) -> Option<Option<usize>> {
    let count = cursor.u32_be()? as usize;
    if count > CAPABILITIES {
        return Some(None);
    }
    cursor.skip(count * CAPABILITY)?;
    Some(Some(count))
}
