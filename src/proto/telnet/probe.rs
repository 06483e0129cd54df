//! Telnet is recognised by its option negotiation, or by a server that asks for a name and a client
//! that types one.

use super::options::{IAC, WILL, is_assigned};
use super::prompt::{Prompt, prompt};
use crate::content::sniff;
use crate::proto::{Opening, Verdict};

/// How other protocols greet, which a login prompt does not.
const GREETINGS: [&[u8]; 7] = [b"+OK", b"* ", b"SSH-", b"RFB ", b"HTTP/", b"INFO ", b"@RSYNCD"];

pub(super) fn probe(opening: &Opening<'_>) -> Verdict {
    match (options(opening.to_server), options(opening.to_client)) {
        (Verdict::Certain, _) if fits(opening.to_client) => return Verdict::Certain,
        (_, Verdict::Certain) if fits(opening.to_server) => return Verdict::Certain,
        (Verdict::NeedMore, _) | (_, Verdict::NeedMore) => return Verdict::NeedMore,
        _ => {}
    }
    prompts(opening)
}

/// Whether bytes begin with an option negotiation.
fn options(bytes: &[u8]) -> Verdict {
    match bytes {
        [IAC] | [IAC, 0xfa..=0xfe] => Verdict::NeedMore,
        [IAC, WILL..=0xfe, option, rest @ ..] if is_assigned(*option) => match rest {
            [] | [IAC] => Verdict::Certain,
            [IAC, 0xf0..=0xff, ..] => Verdict::Certain,
            _ if sniff::is_text(rest) || rest.contains(&IAC) => Verdict::Certain,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}

/// Whether the other side does not speak against it.
fn fits(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|b| *b == IAC) || sniff::is_text(bytes)
}

/// Without options: the server asks for a name, and the client types.
fn prompts(opening: &Opening<'_>) -> Verdict {
    let server = opening.to_client;
    let digits = server.len() > 2 && server.iter().take(3).all(u8::is_ascii_digit);
    let greets = digits || GREETINGS.iter().any(|g| server.starts_with(g) || g.starts_with(server));
    if server.is_empty() || greets || !sniff::is_text(server) {
        return Verdict::No;
    }
    let line = server.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let asks = matches!(prompt(line), Prompt::Username | Prompt::Password);
    let client = opening.to_server;
    let typed = !client.is_empty() && sniff::is_text(client);
    match (asks, typed) {
        (true, true) => Verdict::Likely,
        (true, false) if opening.ended && client.is_empty() => Verdict::Likely,
        // A banner, so far; whoever speaks before being asked speaks something else.
        (_, false) if client.is_empty() => Verdict::NeedMore,
        _ => Verdict::No,
    }
}
