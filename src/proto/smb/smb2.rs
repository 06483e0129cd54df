//! SMB 2 and 3 (MS-SMB2): its header, and the messages that say who logs in and which files are read and written.

use super::files::Handle;
use super::login::Granted;
use super::status;
use super::talk::{Request, Talk, wide};
use crate::model::event::{EventSink, Skip};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::stream::Input;
use crate::proto::cursor::Cursor;

/// Length of the header.
pub(super) const HEADER: usize = 64;

/// Longest message that is read as a whole: tickets of Kerberos, and requests to open a file with all that
/// may be asked of it.
const WHOLE: u64 = 128 << 10;

/// `FileId` and `TreeId` that mean those of the request before.
const RELATED_FILE: u128 = u128::MAX;
const RELATED_TREE: u32 = u32::MAX;

const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const CREATE: u16 = 5;
const CLOSE: u16 = 6;
const READ: u16 = 8;
const WRITE: u16 = 9;
const IOCTL: u16 = 11;

/// What is to be done with a message.
pub(super) enum Step {
    /// So many bytes are content of a file, from this offset of the message and the file on.
    Content { start: usize, handle: Handle, offset: u64, length: u64, alone: bool },
    /// It is not all here.
    More,
    /// It is of no interest.
    Pass(Option<Skip>),
    /// It was read.
    Read,
}

/// What the messages of a frame may refer to: what stood before them.
#[derive(Clone, Copy, Default)]
pub(super) struct Related {
    file: Option<Handle>,
    tree: u32,
}

/// MS-SMB2 section 2.2.1.
pub(super) struct Header {
    status: u32,
    command: u16,
    response: bool,
    /// Length of the message, where another follows in the same frame.
    next: u32,
    message: u64,
    tree: u32,
    session: u64,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.get(..HEADER)?);
        cursor.skip(8)?;
        let status = cursor.u32_le()?;
        let command = cursor.u16_le()?;
        cursor.skip(2)?;
        let flags = cursor.u32_le()?;
        let (next, message) = (cursor.u32_le()?, cursor.u64_le()?);
        // An asynchronous message has a number of its own there.
        cursor.skip(4)?;
        let (tree, session) = (cursor.u32_le()?, cursor.u64_le()?);
        Some(Self { status, command, response: flags & 1 != 0, next, message, tree, session })
    }

    /// Length of the message in what is left of a frame. `None`: it says something impossible.
    pub(super) fn length(&self, left: u64) -> Option<u64> {
        match u64::from(self.next) {
            0 => Some(left),
            next => (next >= HEADER as u64 && next <= left).then_some(next),
        }
    }
}

/// A message of which the first bytes are `bytes`; they stand at `at` in the input.
pub(super) struct Unit<'a> {
    pub(super) header: Header,
    pub(super) bytes: &'a [u8],
    pub(super) length: u64,
    pub(super) at: usize,
    pub(super) input: Input<'a>,
}

impl Unit<'_> {
    pub(super) fn read(&self, talk: &mut Talk, related: &mut Related, out: &mut dyn EventSink) -> Step {
        let Self { header, bytes, length, .. } = self;
        if header.response != (self.input.direction == Direction::ToClient) {
            return Step::Pass(Some(Skip::Malformed));
        }
        // The answer proper comes later.
        if header.response && header.status == status::PENDING {
            return Step::Pass(None);
        }
        let content = match (header.command, header.response) {
            (READ, true) => self.read_response(talk, out),
            (WRITE, false) => self.write_request(talk, related, out),
            (IOCTL, false) => self.control(),
            (NEGOTIATE | SESSION_SETUP | TREE_CONNECT | CREATE | CLOSE | READ, _) => {
                if *length > WHOLE {
                    return Step::Pass(Some(Skip::Limit));
                }
                let Some(whole) = bytes.get(..*length as usize) else { return Step::More };
                let understood = if header.response {
                    self.response(whole, talk, out)
                } else {
                    self.request(whole, talk, related, out)
                };
                return if understood.is_some() { Step::Read } else { Step::Pass(Some(Skip::Malformed)) };
            }
            _ => return Step::Pass(None),
        };
        match content {
            Some(Step::Content { start, length: content, .. })
                if (start as u64).checked_add(content).is_none_or(|end| end > *length) =>
            {
                Step::Pass(Some(Skip::Malformed))
            }
            Some(step) => step,
            None if (bytes.len() as u64) < *length => Step::More,
            None => Step::Pass(Some(Skip::Malformed)),
        }
    }

    fn span(&self) -> Span {
        self.input.span(self.at..self.at + self.length as usize)
    }

    /// Section 2.2.20. `None`: too little is here.
    fn read_response(&self, talk: &mut Talk, out: &mut dyn EventSink) -> Option<Step> {
        let Self { header, bytes, .. } = self;
        if !matches!(header.status, status::SUCCESS | status::BUFFER_OVERFLOW) {
            talk.answered(header.message);
            return Some(Step::Pass(None));
        }
        let mut cursor = Cursor::new(bytes.get(HEADER..HEADER + 16)?);
        cursor.skip(2)?;
        let start = usize::from(cursor.u8()?);
        cursor.skip(1)?;
        let length = u64::from(cursor.u32_le()?);
        let (handle, offset, alone) = match talk.answered(header.message) {
            Some(Request::Read(handle, offset)) => (handle, offset, false),
            // Nobody knows of which file it is, nor where in it.
            _ => (talk.files.ask(String::new(), false, out), 0, true),
        };
        Some(Step::Content { start: start.max(HEADER + 16), handle, offset, length, alone })
    }

    /// Section 2.2.21. `None`: too little is here.
    fn write_request(&self, talk: &mut Talk, related: &mut Related, out: &mut dyn EventSink) -> Option<Step> {
        let mut cursor = Cursor::new(self.bytes.get(HEADER..HEADER + 48)?);
        cursor.skip(2)?;
        let start = usize::from(cursor.u16_le()?);
        let (length, offset) = (u64::from(cursor.u32_le()?), cursor.u64_le()?);
        let handle = file(cursor.array()?, talk, related, out);
        Some(Step::Content { start: start.max(HEADER + 48), handle, offset, length, alone: false })
    }

    /// Section 2.2.31: calls of services are passed over, and counted. `None`: too little is here.
    fn control(&self) -> Option<Step> {
        const PIPE_TRANSCEIVE: u32 = 0x0011_c017;
        let mut cursor = Cursor::new(self.bytes.get(HEADER..HEADER + 8)?);
        cursor.skip(4)?;
        let call = cursor.u32_le()? == PIPE_TRANSCEIVE;
        Some(Step::Pass(call.then_some(Skip::UnknownProtocol)))
    }

    /// `None`: it is malformed.
    fn request(&self, whole: &[u8], talk: &mut Talk, related: &mut Related, out: &mut dyn EventSink) -> Option<()> {
        let Header { command, message, tree, session, .. } = self.header;
        let mut body = Cursor::new(whole.get(HEADER..)?);
        body.skip(2)?;
        match command {
            // Section 2.2.3.
            NEGOTIATE => {
                body.skip(2)?;
                talk.logins.signs[0] = Some(body.u16_le()? & 2 != 0);
            }
            // Section 2.2.5.
            SESSION_SETUP => {
                body.skip(1)?;
                talk.logins.signs[0] = Some(body.u8()? & 2 != 0 || talk.logins.signs[0] == Some(true));
                body.skip(8)?;
                let token = buffer(whole, &mut body)?;
                if let Some(login) = talk.logins.client(session, token, self.span()) {
                    talk.asked(message, Request::Login(login), out);
                }
            }
            // Section 2.2.9.
            TREE_CONNECT => {
                body.skip(2)?;
                let share = Talk::share(&wide(buffer(whole, &mut body)?), out);
                talk.asked(message, Request::Tree(share, None), out);
            }
            // Section 2.2.13.
            CREATE => {
                body.skip(42)?;
                let name = wide(buffer(whole, &mut body)?);
                if tree != RELATED_TREE {
                    related.tree = tree;
                }
                let handle = talk.ask(related.tree, &name, out);
                related.file = Some(handle);
                talk.asked(message, Request::Create(handle), out);
            }
            // Section 2.2.15.
            CLOSE => {
                body.skip(6)?;
                let handle = file(body.array()?, talk, related, out);
                talk.files.finish(handle, Direction::ToServer, out);
                talk.asked(message, Request::Close(handle), out);
            }
            // Section 2.2.19.
            READ => {
                body.skip(6)?;
                let offset = body.u64_le()?;
                let handle = file(body.array()?, talk, related, out);
                talk.asked(message, Request::Read(handle, offset), out);
            }
            _ => {}
        }
        Some(())
    }

    /// `None`: it is malformed.
    fn response(&self, whole: &[u8], talk: &mut Talk, out: &mut dyn EventSink) -> Option<()> {
        let Header { status, command, message, tree, session, .. } = self.header;
        let mut body = Cursor::new(whole.get(HEADER..)?);
        body.skip(2)?;
        let good = status == status::SUCCESS;
        match command {
            // Section 2.2.4.
            NEGOTIATE if good => talk.logins.signs[1] = Some(body.u16_le()? & 2 != 0),
            // Section 2.2.6.
            SESSION_SETUP if status == status::MORE_PROCESSING_REQUIRED => {
                body.skip(2)?;
                let token = buffer(whole, &mut body)?;
                talk.logins.server(session, token, self.span());
            }
            SESSION_SETUP => {
                let flags = if good { body.u16_le()? } else { 0 };
                let login = talk.answered(message);
                if let Some(Request::Login(login)) = &login {
                    login.report(status::outcome(status), out);
                }
                if good {
                    let nobody = matches!(&login, Some(Request::Login(login)) if login.login.mechanism == "anonymous");
                    let [guest, anonymous, encrypted] = [1, 2, 4].map(|flag| flags & flag != 0);
                    let how = Granted { guest, anonymous: anonymous || nobody, encrypted, signs: true };
                    talk.logins.granted(how, self.span(), out);
                }
            }
            TREE_CONNECT => {
                if let Some(Request::Tree(share, _)) = talk.answered(message).filter(|_| good) {
                    talk.connected(tree, share, out);
                }
            }
            // Section 2.2.14.
            CREATE => {
                if let Some(Request::Create(handle)) = talk.answered(message) {
                    if good {
                        body.skip(62)?;
                        talk.files.opened(handle, u128::from_le_bytes(body.array()?), out);
                    } else {
                        talk.files.close(handle, out);
                    }
                }
            }
            CLOSE => {
                if let Some(Request::Close(handle)) = talk.answered(message) {
                    talk.files.close(handle, out);
                }
            }
            _ => {}
        }
        Some(())
    }
}

/// The file that a request means.
fn file(id: [u8; 16], talk: &mut Talk, related: &mut Related, out: &mut dyn EventSink) -> Handle {
    let id = u128::from_le_bytes(id);
    let handle = match related.file {
        Some(handle) if id == RELATED_FILE => handle,
        _ => talk.files.with_id(id, out),
    };
    related.file = Some(handle);
    handle
}

/// An offset from the start of the message, and a length.
fn buffer<'a>(whole: &'a [u8], cursor: &mut Cursor<'_>) -> Option<&'a [u8]> {
    let (start, length) = (usize::from(cursor.u16_le()?), usize::from(cursor.u16_le()?));
    if length == 0 { Some(b"") } else { whole.get(start..start.checked_add(length)?) }
}
