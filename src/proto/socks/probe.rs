//! Recognises SOCKS: what the client asks and what the server answers fit each other.

use super::wire::{self, Lack};
use crate::proto::cursor::Cursor;
use crate::proto::{Opening, Verdict};

/// How well a side fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Nothing,
    More,
    /// Its first message.
    First,
    /// That and the next.
    Further,
    Bad,
}

/// Version 5 (RFC 1928).
pub(super) fn v5(opening: &Opening<'_>) -> Verdict {
    let mut client = Cursor::new(opening.to_server);
    let methods = wire::methods(&mut client);
    let asks = side(opening.to_server, methods, |_| {
        if wire::is_login(&client) { wire::login(&mut client).map(drop) } else { wire::request(&mut client).map(drop) }
    });
    let mut server = Cursor::new(opening.to_client);
    let chosen = wire::method(&mut server);
    let answers = side(opening.to_client, chosen, |method| match method {
        Some(wire::NO_LOGIN) => wire::reply(&mut server).map(drop),
        Some(wire::PASSWORD) => wire::verdict(&mut server).map(drop),
        _ => Err(Lack::More),
    });
    if let (Ok(offered), Ok(Some(chosen))) = (methods, chosen)
        && !offered.contains(&chosen)
    {
        return Verdict::No;
    }
    judge(opening, asks, answers)
}

/// Versions 4 and 4a.
pub(super) fn v4(opening: &Opening<'_>) -> Verdict {
    let asks = side(opening.to_server, wire::old_request(&mut Cursor::new(opening.to_server)), |_| Err(Lack::More));
    let answers = side(opening.to_client, wire::old_reply(&mut Cursor::new(opening.to_client)), |_| Err(Lack::More));
    judge(opening, asks, answers)
}

fn side<T>(bytes: &[u8], first: Result<T, Lack>, next: impl FnOnce(T) -> Result<(), Lack>) -> Side {
    match first.map(next) {
        _ if bytes.is_empty() => Side::Nothing,
        Err(Lack::More) => Side::More,
        Err(Lack::Bad) | Ok(Err(Lack::Bad)) => Side::Bad,
        Ok(Err(Lack::More)) => Side::First,
        Ok(Ok(())) => Side::Further,
    }
}

fn judge(opening: &Opening<'_>, asks: Side, answers: Side) -> Verdict {
    match (asks, answers) {
        (Side::Bad, _) | (_, Side::Bad) => Verdict::No,
        (Side::First | Side::Further, Side::First | Side::Further) => Verdict::Certain,
        // Of one side alone.
        (Side::Further, Side::Nothing) | (Side::Nothing, Side::Further) => Verdict::Likely,
        (Side::First, Side::Nothing) if opening.ended => Verdict::Likely,
        _ if opening.ended => Verdict::No,
        _ => Verdict::NeedMore,
    }
}
