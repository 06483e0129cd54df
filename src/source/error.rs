//! Why nothing could be read, in words an operator can act upon.

use std::fmt::Write as _;
use std::io;

/// Nothing could be read, and why.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {why}")]
pub struct SourceError {
    /// The source, as the operator named it.
    pub name: String,
    /// What is wrong.
    pub why: Why,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// It is a capture, and damaged before its first packet.
    #[error("damaged before its first packet: {0}")]
    Damaged(String),
    /// It is a directory.
    #[error("is a directory; name the captures inside it")]
    Directory,
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// The operating system would not have it.
    #[error("{}", plain(.0))]
    Io(#[source] io::Error),
    /// It is something else; says what the first bytes are.
    #[error("not a packet capture: it starts with {0}")]
    NotACapture(String),
    /// Standard input was asked for, and nothing is piped into it.
    #[error("is a terminal; pipe a capture into it, or name a file")]
    Terminal,
}

impl From<io::Error> for Why {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::IsADirectory => Self::Directory,
            _ => Self::Io(error),
        }
    }
}

/// An I/O error without its number, where there are better words.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// How many of a stranger's first bytes are shown.
const SHOWN: usize = 16;

/// First bytes of what people take for captures, and what it is.
const STRANGERS: [(&[u8], &str); 7] = [
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"GMBU", "a Network Monitor capture; convert it with `editcap -F pcap`"),
    (b"RTSS", "a Network Monitor capture; convert it with `editcap -F pcap`"),
    (b"XCP\0", "a NetXray capture; convert it with `editcap -F pcap`"),
    (b"\x7fELF", "an executable"),
    (b"%PDF", "a PDF document"),
];

/// Describes the first bytes of what is not a capture. The result is printable ASCII.
pub(super) fn describe(start: &[u8]) -> String {
    let shown = start.get(..SHOWN).unwrap_or(start);
    let text = |b: &u8| b.is_ascii_graphic() || b" \t\r\n".contains(b);
    let mut said = String::new();
    if shown.iter().all(text) {
        let _ = write!(said, "the text \"{}\"", shown.escape_ascii());
        return said;
    }
    for (n, byte) in shown.iter().enumerate() {
        let _ = write!(said, "{}{byte:02x}", if n == 0 { "" } else { " " });
    }
    if let Some((_, what)) = STRANGERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        let _ = write!(said, " ({what})");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_and_binary_is_shown_in_hex() {
        assert_eq!(describe(b"# notes\n"), r##"the text "# notes\n""##);
        assert_eq!(describe(&[0, 0x1b, b'[']), "00 1b 5b");
        assert!(describe(b"PK\x03\x04\x14\0").contains("ZIP archive"));
    }
}
