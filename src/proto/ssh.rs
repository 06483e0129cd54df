//! SSH (RFC 4253): recognised by its version exchange, which is all that can be read of use here. What
//! follows is encrypted.

use super::{Analyzer, Nature, Opening, Progress, Protocol, Verdict};
use crate::model::event::EventSink;
use crate::model::flow::{Direction, Transport};
use crate::model::stream::Input;

/// The descriptor.
pub static PROTOCOL: Protocol = Protocol {
    name: "ssh",
    transport: Transport::Tcp,
    ports: &[22],
    nature: Nature::Ssh,
    probe,
    start: || Box::new(Ssh),
};

/// The versions there are: `SSH-protoversion-softwareversion` (RFC 4253, section 4.2).
const VERSIONS: [&[u8]; 3] = [b"SSH-2.0-", b"SSH-1.99-", b"SSH-1.5-"];

/// Lines a server may send before its version (RFC 4253, section 4.2), in bytes.
const PREAMBLE: usize = 1024;

fn probe(opening: &Opening<'_>) -> Verdict {
    match (side(opening.to_server, false), side(opening.to_client, true)) {
        (Side::Version, Side::Version) => Verdict::Certain,
        (Side::Version, Side::Nothing) | (Side::Nothing, Side::Version) => Verdict::Certain,
        (Side::Short | Side::Nothing, Side::Short | Side::Nothing) => Verdict::NeedMore,
        (Side::Version, Side::Short) | (Side::Short, Side::Version) => Verdict::NeedMore,
        (Side::Other, _) | (_, Side::Other) => Verdict::No,
    }
}

enum Side {
    Nothing,
    Other,
    Short,
    Version,
}

/// What one direction begins with. A server may send other lines first.
fn side(bytes: &[u8], server: bool) -> Side {
    if bytes.is_empty() {
        return Side::Nothing;
    }
    let start = |line: &[u8]| VERSIONS.iter().any(|version| line.starts_with(version));
    if start(bytes) {
        return Side::Version;
    }
    if VERSIONS.iter().any(|version| version.starts_with(bytes)) {
        return Side::Short;
    }
    let preamble = bytes.get(..PREAMBLE).unwrap_or(bytes);
    if server && preamble.split_inclusive(|b| *b == b'\n').skip(1).any(start) { Side::Version } else { Side::Other }
}

struct Ssh;

impl Analyzer for Ssh {
    fn data(&mut self, _input: Input<'_>, _out: &mut dyn EventSink) -> Progress {
        Progress::Stop
    }

    fn gap(&mut self, _direction: Direction, _missing: u64, _out: &mut dyn EventSink) {}

    fn end(&mut self, _left: [Input<'_>; 2], _out: &mut dyn EventSink) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::replay::{C, S, play};

    #[test]
    fn a_version_exchange_is_ssh_and_nothing_of_it_is_read() {
        let said = play(&[(S, b"SSH-2.0-OpenSSH_9.2p1\r\n"), (C, b"SSH-2.0-OpenSSH_9.2p1\r\n"), (C, &[0; 40])]);
        assert_eq!(said.protocols, ["ssh"]);
        assert!(said.lines.is_empty());
    }

    #[test]
    fn a_server_may_say_something_first() {
        assert_eq!(play(&[(C, b"SSH-2.0-x\r\n"), (S, b"Welcome\r\nSSH-2.0-y\r\n")]).protocols, ["ssh"]);
    }

    #[test]
    fn a_banner_answered_with_http_is_not_ssh() {
        let opening = Opening {
            to_server: b"GET / HTTP/1.1\r\n\r\n",
            to_client: b"SSH-2.0-y\r\n",
            server_port: 22,
            midstream: false,
            ended: false,
        };
        assert_eq!(probe(&opening), Verdict::No);
    }
}
