//! SMB 1 (MS-CIFS, MS-SMB): logins in all their forms, the last of which carries messages of SPNEGO, and the
//! files that are read and written. A message may hold several commands, each with the place of the next.

use super::files::Handle;
use super::login::{Granted, Pending};
use super::status;
use super::talk::{Request, Talk, Tree, wide};
use crate::content::utf16::{self, Order};
use crate::model::event::{EventSink, Grade, Weakness};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::stream::Input;
use crate::proto::cursor::Cursor;
use crate::proto::ntlm::Authenticate;

/// Longest message that is read: what is read or written at once is less than 128 KiB, but for Samba and itself.
pub(super) const WHOLE: u64 = 512 << 10;

/// Length of the header.
const HEADER: usize = 32;
/// Length of a response to a challenge of eight bytes, but for that of NTLMv2, which is longer.
const RESPONSE: usize = 24;
/// Commands of one message that are read.
const COMMANDS: usize = 8;
/// No other command follows.
const NONE: u8 = 0xff;

const OPEN: u8 = 0x02;
const CLOSE: u8 = 0x04;
const READ: u8 = 0x0a;
const WRITE: u8 = 0x0b;
const OPEN_ANDX: u8 = 0x2d;
const READ_ANDX: u8 = 0x2e;
const WRITE_ANDX: u8 = 0x2f;
const NEGOTIATE: u8 = 0x72;
const SESSION_SETUP_ANDX: u8 = 0x73;
const TREE_CONNECT_ANDX: u8 = 0x75;
const NT_CREATE_ANDX: u8 = 0xa2;
/// Commands that say where the next one stands.
const CHAINED: [u8; 6] = [OPEN_ANDX, READ_ANDX, WRITE_ANDX, SESSION_SETUP_ANDX, TREE_CONNECT_ANDX, NT_CREATE_ANDX];

/// One message.
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    input: Input<'a>,
    first: u8,
    status: u32,
    unicode: bool,
    tree: u32,
    /// The session.
    user: u64,
    number: u64,
}

/// One command: its words, and where in the message the bytes behind them stand.
#[derive(Clone, Copy)]
struct Block<'a> {
    words: &'a [u8],
    data: usize,
}

impl<'a> Message<'a> {
    /// A whole message, which stands at `at` in the input. `None`: it is none.
    pub(super) fn new(bytes: &'a [u8], at: usize, input: Input<'a>) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.get(..HEADER)?);
        cursor.skip(4)?;
        let (first, status) = (cursor.u8()?, cursor.u32_le()?);
        cursor.skip(1)?;
        let flags = cursor.u16_le()?;
        cursor.skip(12)?;
        let tree = u32::from(cursor.u16_le()?);
        let process = u64::from(cursor.u16_le()?);
        let user = u64::from(cursor.u16_le()?);
        let number = process << 16 | u64::from(cursor.u16_le()?);
        Some(Self { bytes, at, input, first, status, unicode: flags & 0x8000 != 0, tree, user, number })
    }

    /// `None`: it is malformed.
    pub(super) fn read(&self, talk: &mut Talk, out: &mut dyn EventSink) -> Option<()> {
        let (mut command, mut at) = (self.first, HEADER);
        for _ in 0..COMMANDS {
            let mut cursor = Cursor::new(self.bytes.get(at..)?);
            let count = usize::from(cursor.u8()?);
            let words = cursor.take(count * 2)?;
            let block = Block { words, data: at + 1 + count * 2 + 2 };
            match self.input.direction {
                // A refusal has no words.
                Direction::ToClient => self.response(command, block, talk, out),
                Direction::ToServer => self.request(command, block, talk, out)?,
            }
            match (words.first(), block.u16(2)) {
                (Some(next), Some(place)) if CHAINED.contains(&command) && *next != NONE && usize::from(place) > at => {
                    (command, at) = (*next, place.into());
                }
                _ => break,
            }
        }
        Some(())
    }

    fn span(&self) -> Span {
        self.input.span(self.at..self.at + self.bytes.len())
    }

    fn request(&self, command: u8, block: Block<'_>, talk: &mut Talk, out: &mut dyn EventSink) -> Option<()> {
        match command {
            SESSION_SETUP_ANDX => {
                self.old(talk, out);
                if let Some(login) = self.session_setup(block, talk)? {
                    talk.asked(self.number, Request::Login(login), out);
                }
            }
            TREE_CONNECT_ANDX => {
                let length = usize::from(block.u16(6)?);
                let password = self.data(block.data, length)?;
                let path = self.string(&mut (block.data + length));
                let share = Talk::share(&path, out);
                let login = self.share_password(&share, password, talk);
                talk.asked(self.number, Request::Tree(share, login), out);
            }
            OPEN | OPEN_ANDX | NT_CREATE_ANDX => {
                // The oldest says before a string that it is one.
                let name = self.string(&mut (block.data + usize::from(command == OPEN)));
                let handle = talk.ask(self.tree, &name, out);
                talk.asked(self.number, Request::Create(handle), out);
            }
            CLOSE => {
                let handle = file(block.u16(0)?, talk, out);
                talk.files.finish(handle, Direction::ToServer, out);
                talk.asked(self.number, Request::Close(handle), out);
            }
            READ => self.reads(block.u16(0)?, block.u32(4)?.into(), talk, out),
            READ_ANDX => {
                let high = block.u32(20).unwrap_or_default();
                self.reads(block.u16(4)?, offset(block.u32(6)?, high), talk, out);
            }
            WRITE => {
                let handle = file(block.u16(0)?, talk, out);
                self.content(handle, block.u32(4)?.into(), block.data + 3, block.u16(2)?.into(), talk, out);
            }
            WRITE_ANDX => {
                let handle = file(block.u16(4)?, talk, out);
                let at = offset(block.u32(6)?, block.u32(24).unwrap_or_default());
                let length = usize::from(block.u16(20)?) | usize::from(block.u16(18)?) << 16;
                self.content(handle, at, block.u16(22)?.into(), length, talk, out);
            }
            _ => {}
        }
        Some(())
    }

    fn response(&self, command: u8, block: Block<'_>, talk: &mut Talk, out: &mut dyn EventSink) {
        let good = self.status == status::SUCCESS;
        match command {
            NEGOTIATE if good && self.negotiated(block, talk).is_some() => self.old(talk, out),
            SESSION_SETUP_ANDX if self.status == status::MORE_PROCESSING_REQUIRED => {
                let token = block.u16(6).and_then(|length| self.data(block.data, length.into()));
                talk.logins.server(self.user, token.unwrap_or_default(), self.span());
            }
            SESSION_SETUP_ANDX => {
                let login = talk.answered(self.number);
                let mut anonymous = false;
                if let Some(Request::Login(login)) = &login {
                    login.report(status::outcome(self.status), out);
                    anonymous = login.login.mechanism == "anonymous";
                }
                if good {
                    let guest = block.u16(4).is_some_and(|action| action & 1 != 0);
                    let how = Granted { guest, anonymous, ..Granted::default() };
                    talk.logins.granted(how, self.span(), out);
                }
            }
            TREE_CONNECT_ANDX => {
                if let Some(Request::Tree(share, login)) = talk.answered(self.number) {
                    if let Some(login) = login {
                        login.report(status::outcome(self.status), out);
                    }
                    if good {
                        talk.connected(self.tree, share, out);
                    }
                }
            }
            OPEN | OPEN_ANDX | NT_CREATE_ANDX => {
                let place = match command {
                    OPEN => 0,
                    OPEN_ANDX => 4,
                    _ => 5,
                };
                if let Some(Request::Create(handle)) = talk.answered(self.number) {
                    match block.u16(place).filter(|_| good) {
                        Some(number) => talk.files.opened(handle, number.into(), out),
                        None => talk.files.close(handle, out),
                    }
                }
            }
            CLOSE => {
                if let Some(Request::Close(handle)) = talk.answered(self.number) {
                    talk.files.close(handle, out);
                }
            }
            READ => {
                let length = block.u16(0).unwrap_or_default();
                self.was_read(block.data + 3, length.into(), talk, out);
            }
            READ_ANDX => {
                let [start, low, high] = [12, 10, 14].map(|place| usize::from(block.u16(place).unwrap_or_default()));
                self.was_read(start, low | high << 16, talk, out);
            }
            _ => {}
        }
    }

    /// MS-CIFS section 2.2.4.52.2, MS-SMB section 2.2.4.5.2. `None`: nothing was agreed on.
    fn negotiated(&self, block: Block<'_>, talk: &mut Talk) -> Option<()> {
        /// The server wants a response to its challenge, not the password.
        const ENCRYPT_PASSWORDS: u8 = 2;
        block.u16(0).filter(|dialect| *dialect != u16::MAX)?;
        let mode = block.words.get(2).copied();
        talk.plain = Some(mode.is_none_or(|mode| mode & ENCRYPT_PASSWORDS == 0));
        let length = match block.words.len() {
            34 => usize::from(*block.words.get(33)?),
            26 => usize::from(block.u16(22)?),
            _ => 0,
        };
        if let Some(challenge) = self.data(block.data, length).and_then(|bytes| bytes.try_into().ok()) {
            talk.logins.challenge(0, challenge, self.span());
        }
        Some(())
    }

    /// MS-CIFS section 2.2.4.53.1, MS-SMB section 2.2.4.6.1. The outer `None`: it is malformed.
    fn session_setup(&self, block: Block<'_>, talk: &mut Talk) -> Option<Option<Pending>> {
        let (first, second) = match block.words.len() {
            24 => {
                let token = self.data(block.data, block.u16(14)?.into())?;
                return Some(talk.logins.client(self.user, token, self.span()));
            }
            26 => (usize::from(block.u16(14)?), usize::from(block.u16(16)?)),
            20 => (usize::from(block.u16(14)?), 0),
            _ => return None,
        };
        let plain = self.is_plain(talk, first, second);
        let oem = self.data(block.data, first)?;
        let mut at = block.data + first;
        if plain && second > 0 {
            // A string, and so at an even place.
            at += at % 2;
        }
        let unicode = self.data(at, second)?;
        at += second;
        let (user, domain) = (self.string(&mut at), self.string(&mut at));
        if plain {
            let password = password(oem, unicode);
            let silent = password.is_empty() || user.is_empty();
            return Some((!silent).then(|| Pending::clear(&user, &domain, password.as_bytes(), self.span())));
        }
        let response = Authenticate::new(user, domain, oem, unicode);
        Some(Some(talk.logins.response(self.user, response, self.span())))
    }

    /// The password of a share, where each has its own, as it is.
    fn share_password(&self, share: &Tree, sent: &[u8], talk: &Talk) -> Option<Pending> {
        let wanted = talk.plain == Some(true) && sent.len() > 1;
        let password = wanted.then(|| password(sent, b"")).filter(|password| !password.is_empty())?;
        let mut login = Pending::clear("", "", password.as_bytes(), self.span());
        login.note = Some(format!("share \"{}\"", share.name));
        login.field = "smb.tree_connect";
        Some(login)
    }

    /// Whether a password is sent as it is. Where what the server said was not captured, its length shows it.
    fn is_plain(&self, talk: &Talk, oem: usize, unicode: usize) -> bool {
        let response = oem == RESPONSE || unicode >= RESPONSE;
        talk.plain.unwrap_or(!response && oem.max(unicode) > 1)
    }

    fn reads(&self, number: u16, offset: u64, talk: &mut Talk, out: &mut dyn EventSink) {
        let handle = file(number, talk, out);
        talk.asked(self.number, Request::Read(handle, offset), out);
    }

    fn was_read(&self, start: usize, length: usize, talk: &mut Talk, out: &mut dyn EventSink) {
        let asked = talk.answered(self.number);
        if !matches!(self.status, status::SUCCESS | status::BUFFER_OVERFLOW) {
            return;
        }
        if let Some(Request::Read(handle, offset)) = asked {
            self.content(handle, offset, start, length, talk, out);
        } else {
            let handle = talk.files.ask(String::new(), false, out);
            self.content(handle, 0, start, length, talk, out);
            talk.files.close(handle, out);
        }
    }

    fn content(
        &self,
        handle: Handle,
        offset: u64,
        start: usize,
        length: usize,
        talk: &mut Talk,
        out: &mut dyn EventSink,
    ) {
        let start = start.min(self.bytes.len());
        let end = start.saturating_add(length).min(self.bytes.len());
        if talk.files.unwanted(handle, self.input.direction, offset) {
            talk.files.pass(handle, self.input.direction, (end - start) as u64, out);
        } else if end > start {
            talk.clear(out);
            let range = self.at + start..self.at + end;
            talk.files.content(handle, self.input.direction, offset, self.input.data, range, out);
        }
    }

    /// Says, once, that this version is spoken.
    fn old(&self, talk: &mut Talk, out: &mut dyn EventSink) {
        let (kind, value, grade) = ("link.smb1", "SMB 1", Grade::Weak);
        let note = "client and server speak the first version of SMB";
        let (direction, span) = (self.input.direction, self.span());
        talk.logins.weak(Weakness { kind, value, note, grade, direction, span }, out);
    }

    fn data(&self, start: usize, length: usize) -> Option<&'a [u8]> {
        self.bytes.get(start..start.checked_add(length)?)
    }

    /// A string that ends with a zero; in UTF-16 it begins at an even place.
    fn string(&self, at: &mut usize) -> String {
        if self.unicode {
            *at += *at % 2;
            let (units, _) = self.bytes.get(*at..).unwrap_or_default().as_chunks::<2>();
            let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len()) * 2;
            let text = self.data(*at, length).unwrap_or_default();
            *at += length + 2;
            wide(text)
        } else {
            let rest = self.bytes.get(*at..).unwrap_or_default();
            let length = memchr::memchr(0, rest).unwrap_or(rest.len());
            *at += length + 1;
            String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned()
        }
    }
}

impl Block<'_> {
    fn u16(self, place: usize) -> Option<u16> {
        self.words.get(place..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    fn u32(self, place: usize) -> Option<u32> {
        self.words.get(place..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }
}

fn offset(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn file(number: u16, talk: &mut Talk, out: &mut dyn EventSink) -> Handle {
    talk.files.with_id(number.into(), out)
}

/// A password as it is, in the charset of either field, without the zero behind it.
fn password(oem: &[u8], unicode: &[u8]) -> String {
    let mut password = String::new();
    if oem.iter().all(|b| *b == 0) {
        utf16::decode(unicode, Order::Little, &mut password);
    } else {
        password = String::from_utf8_lossy(oem).into_owned();
    }
    password.trim_end_matches('\0').to_owned()
}
