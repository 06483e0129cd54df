//! The messages of SOCKS, one reader each.

use crate::proto::cursor::Cursor;

/// RFC 1928, section 3; RFC 1929, section 2; version 4.
const V5: u8 = 0x05;
const LOGIN: u8 = 0x01;
const V4: u8 = 0x04;

/// Methods (RFC 1928, section 3).
pub(super) const NO_LOGIN: u8 = 0x00;
pub(super) const GSSAPI: u8 = 0x01;
pub(super) const PASSWORD: u8 = 0x02;
const NONE_ACCEPTED: u8 = 0xff;

/// Longest name of a user or a host in version 4, which has no lengths.
const NAME: usize = 255;

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// It is not all there.
    More,
    /// This is none.
    Bad,
}

/// What the proxy is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Connect,
    /// Wait for a connection: there are two answers.
    Bind,
    /// Relay datagrams.
    Associate,
}

/// What the client can log in with.
pub(super) fn methods<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Lack> {
    expect(cursor, V5)?;
    let count = some(cursor.u8())?;
    if count == 0 {
        return Err(Lack::Bad);
    }
    // What is there tells before all is there.
    let here = cursor.rest().get(..count.into()).unwrap_or(cursor.rest());
    if !here.iter().all(|method| is_method(*method)) {
        return Err(Lack::Bad);
    }
    some(cursor.take(count.into()))
}

/// What the server wants. `None`: nothing that the client can do.
pub(super) fn method(cursor: &mut Cursor<'_>) -> Result<Option<u8>, Lack> {
    expect(cursor, V5)?;
    match some(cursor.u8())? {
        NONE_ACCEPTED => Ok(None),
        method if is_method(method) => Ok(Some(method)),
        _ => Err(Lack::Bad),
    }
}

/// Name and password (RFC 1929).
pub(super) fn login<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a [u8], &'a [u8]), Lack> {
    expect(cursor, LOGIN)?;
    let mut text = || {
        let length = some(cursor.u8())?;
        some(cursor.take(length.into()))
    };
    Ok((text()?, text()?))
}

/// Whether name and password were right. Some servers give the version of SOCKS instead of that of the login.
pub(super) fn verdict(cursor: &mut Cursor<'_>) -> Result<bool, Lack> {
    match some(cursor.u8())? {
        LOGIN | V5 => some(cursor.u8()).map(|status| status == 0),
        _ => Err(Lack::Bad),
    }
}

/// A request of version 5 (RFC 1928, section 4).
pub(super) fn request(cursor: &mut Cursor<'_>) -> Result<Command, Lack> {
    expect(cursor, V5)?;
    let command = command(cursor, 3)?;
    address(cursor)?;
    Ok(command)
}

/// Its answer: whether the proxy does so (section 6).
pub(super) fn reply(cursor: &mut Cursor<'_>) -> Result<bool, Lack> {
    expect(cursor, V5)?;
    let code = some(cursor.u8())?;
    if code > 8 {
        return Err(Lack::Bad);
    }
    address(cursor)?;
    Ok(code == 0)
}

/// A request of version 4 or 4a, with the name of a user, which nothing proves.
pub(super) fn old_request<'a>(cursor: &mut Cursor<'a>) -> Result<(Command, &'a [u8]), Lack> {
    expect(cursor, V4)?;
    let command = command(cursor, 2)?;
    let port = some(cursor.u16_be())?;
    let [a, b, c, last] = some(cursor.array::<4>())?;
    if port == 0 && command == Command::Connect {
        return Err(Lack::Bad);
    }
    let user = name(cursor)?;
    if [a, b, c] == [0; 3] && last != 0 && name(cursor)?.is_empty() {
        return Err(Lack::Bad);
    }
    Ok((command, user))
}

/// Its answer. Its version is 0; some servers write 4.
pub(super) fn old_reply(cursor: &mut Cursor<'_>) -> Result<bool, Lack> {
    if !matches!(some(cursor.u8())?, 0 | V4) {
        return Err(Lack::Bad);
    }
    let code = some(cursor.u8())?;
    if !matches!(code, 0x5a..=0x5d) {
        return Err(Lack::Bad);
    }
    some(cursor.skip(6))?;
    Ok(code == 0x5a)
}

/// Whether a login, and not a request, begins here.
pub(super) fn is_login(cursor: &Cursor<'_>) -> bool {
    cursor.peek() == Some(LOGIN)
}

/// Those that are registered, and those for private use.
const fn is_method(method: u8) -> bool {
    matches!(method, 0..=9 | 0x80..=0xfe)
}

fn command(cursor: &mut Cursor<'_>, most: u8) -> Result<Command, Lack> {
    match some(cursor.u8())? {
        code if code > most => Err(Lack::Bad),
        1 => Ok(Command::Connect),
        2 => Ok(Command::Bind),
        3 => Ok(Command::Associate),
        _ => Err(Lack::Bad),
    }
}

/// A reserved byte, the kind of an address, the address and a port (RFC 1928, section 5).
fn address(cursor: &mut Cursor<'_>) -> Result<(), Lack> {
    expect(cursor, 0)?;
    let length = match some(cursor.u8())? {
        1 => 4,
        3 => some(cursor.u8())?.into(),
        4 => 16,
        _ => return Err(Lack::Bad),
    };
    some(cursor.skip(length + 2))
}

/// A name that ends with a zero byte.
fn name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Lack> {
    let here = cursor.rest();
    let length = memchr::memchr(0, here).unwrap_or(here.len());
    if length > NAME || here.iter().take(length).any(|byte| !matches!(byte, 0x20..=0x7e)) {
        return Err(Lack::Bad);
    }
    some(cursor.c_string())
}

fn expect(cursor: &mut Cursor<'_>, wanted: u8) -> Result<(), Lack> {
    if some(cursor.u8())? == wanted { Ok(()) } else { Err(Lack::Bad) }
}

fn some<T>(there: Option<T>) -> Result<T, Lack> {
    there.ok_or(Lack::More)
}
