//! ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1), read leniently: what is
//! there is taken, whatever follows it. A damaged extension costs that extension alone.

use super::names;
use crate::proto::cursor::Cursor;

mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const SUPPORTED_GROUPS: u16 = 10;
    pub(super) const POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const ALPN: u16 = 16;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(super) const KEY_SHARE: u16 = 51;
    /// The number of `key_share` up to draft 22.
    pub(super) const KEY_SHARE_DRAFT: u16 = 40;
}

/// The random of a HelloRetryRequest: SHA-256 of `HelloRetryRequest` (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a client offers. Lists are in the order they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientHello {
    /// `legacy_version`.
    pub(crate) version: u16,
    pub(crate) session_id: Vec<u8>,
    pub(crate) ciphers: Vec<u16>,
    /// Extension numbers.
    pub(crate) extensions: Vec<u16>,
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Vec<Vec<u8>>,
    /// `supported_versions`.
    pub(crate) versions: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) point_formats: Vec<u8>,
    pub(crate) signatures: Vec<u16>,
    /// All of it was there, and it is not in the format of SSL 2.0: it can be fingerprinted.
    pub(crate) whole: bool,
}

impl ClientHello {
    /// Reads the body of a message; `None` when not even the random is there.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut at = Cursor::new(body);
        let mut hello = Self { version: at.u16_be()?, ..Self::default() };
        at.skip(32)?;
        hello.whole = hello.fill(&mut at).is_some();
        Some(hello)
    }

    /// The best version offered.
    pub(crate) fn best_version(&self) -> u16 {
        let real = self.versions.iter().copied().filter(|v| !names::is_grease(*v));
        // A draft of TLS 1.3 has a greater number than TLS 1.3 itself and is not better.
        let best = real.map(|v| if names::is_tls_1_3(v) { names::TLS_1_3 } else { v }).max();
        best.unwrap_or(self.version)
    }

    fn fill(&mut self, at: &mut Cursor<'_>) -> Option<()> {
        let length = at.u8()?;
        self.session_id = at.take(length.into())?.to_vec();
        let length = at.u16_be()?;
        let (mut ciphers, whole) = part(at, length.into());
        self.ciphers = numbers(&mut ciphers);
        if !whole {
            return None;
        }
        let length = at.u8()?;
        at.skip(length.into())?;
        if at.is_empty() {
            return Some(());
        }
        each_extension(at, |number, body| {
            self.extensions.push(number);
            // Best effort: a field that cannot be read stays as far as it could be.
            let _ = self.extension(number, body);
        })
    }

    fn extension(&mut self, number: u16, mut body: Cursor<'_>) -> Option<()> {
        match number {
            extension::SERVER_NAME => {
                let length = body.u16_be()?;
                let (mut names, _) = part(&mut body, length.into());
                while self.server_name.is_none() {
                    let kind = names.u8()?;
                    let length = names.u16_be()?;
                    let name = names.take(length.into())?;
                    if kind == 0 && !name.is_empty() {
                        self.server_name = Some(String::from_utf8_lossy(name).into_owned());
                    }
                }
            }
            extension::SUPPORTED_GROUPS => {
                body.skip(2)?;
                self.groups = numbers(&mut body);
            }
            extension::POINT_FORMATS => {
                body.skip(1)?;
                self.point_formats = body.rest().to_vec();
            }
            extension::SIGNATURE_ALGORITHMS => {
                body.skip(2)?;
                self.signatures = numbers(&mut body);
            }
            extension::ALPN => {
                body.skip(2)?;
                while let Some(length) = body.u8() {
                    self.alpn.push(body.take(length.into())?.to_vec());
                }
            }
            extension::SUPPORTED_VERSIONS => {
                body.skip(1)?;
                self.versions = numbers(&mut body);
            }
            _ => {}
        }
        Some(())
    }
}

/// What a server chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerHello {
    /// `legacy_version`.
    pub(crate) legacy_version: u16,
    /// The version that holds.
    pub(crate) version: u16,
    /// It is a HelloRetryRequest: the choice stands, the client has to begin again.
    pub(crate) retry: bool,
    pub(crate) session_id: Vec<u8>,
    pub(crate) cipher: Option<u16>,
    pub(crate) compression: u8,
    /// Extension numbers, in the order they were sent.
    pub(crate) extensions: Vec<u16>,
    pub(crate) alpn: Option<Vec<u8>>,
    /// The group of `key_share`.
    pub(crate) group: Option<u16>,
    /// A pre-shared key was selected: in TLS 1.3, the session is resumed.
    pub(crate) pre_shared_key: bool,
    /// All of it was there: it can be fingerprinted.
    pub(crate) whole: bool,
}

impl ServerHello {
    /// Reads the body of a message; `None` when not even the random is there.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut at = Cursor::new(body);
        let version = at.u16_be()?;
        let retry = at.array::<32>()? == RETRY;
        let mut hello = Self { legacy_version: version, version, retry, ..Self::default() };
        hello.whole = hello.fill(&mut at).is_some();
        Some(hello)
    }

    fn fill(&mut self, at: &mut Cursor<'_>) -> Option<()> {
        // Up to draft 21, TLS 1.3 had neither session id nor compression here.
        let draft = self.legacy_version >> 8 == 0x7f;
        if !draft {
            let length = at.u8()?;
            self.session_id = at.take(length.into())?.to_vec();
        }
        self.cipher = Some(at.u16_be()?);
        if !draft {
            self.compression = at.u8()?;
        }
        if at.is_empty() {
            return Some(());
        }
        each_extension(at, |number, body| {
            self.extensions.push(number);
            let _ = self.extension(number, body);
        })
    }

    fn extension(&mut self, number: u16, mut body: Cursor<'_>) -> Option<()> {
        match number {
            extension::ALPN => {
                body.skip(2)?;
                let length = body.u8()?;
                self.alpn = Some(body.take(length.into())?.to_vec());
            }
            extension::KEY_SHARE | extension::KEY_SHARE_DRAFT => self.group = Some(body.u16_be()?),
            extension::PRE_SHARED_KEY => self.pre_shared_key = true,
            extension::SUPPORTED_VERSIONS => self.version = body.u16_be()?,
            _ => {}
        }
        Some(())
    }
}

/// Walks the extensions of a hello; `None` when they are cut short.
fn each_extension(at: &mut Cursor<'_>, mut each: impl FnMut(u16, Cursor<'_>)) -> Option<()> {
    let length = at.u16_be()?;
    let (mut extensions, whole) = part(at, length.into());
    while !extensions.is_empty() {
        let number = extensions.u16_be()?;
        let length = extensions.u16_be()?;
        each(number, extensions.sub(length.into())?);
    }
    whole.then_some(())
}

/// The next `count` bytes, or what there is of them; and whether that was all.
fn part<'a>(at: &mut Cursor<'a>, count: usize) -> (Cursor<'a>, bool) {
    let there = count.min(at.remaining());
    (at.sub(there).unwrap_or(Cursor::new(&[])), there == count)
}

fn numbers(at: &mut Cursor<'_>) -> Vec<u16> {
    std::iter::from_fn(|| at.u16_be()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 4, 0x13, 0x01, 0x00, 0x2f, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    #[test]
    fn a_malformed_extension_costs_only_itself() {
        let body = hello(b"\0\x10\0\x04\0\xff\x09h\0\0\0\x0a\0\x08\0\0\x05a.bcd\0\x2b\0\x03\x02\x03\x04");
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(hello.alpn, Vec::<Vec<u8>>::new());
        assert_eq!(hello.server_name.as_deref(), Some("a.bcd"));
        assert_eq!(hello.best_version(), names::TLS_1_3);
        assert!(hello.whole);
    }

    #[test]
    fn what_is_there_of_a_cut_hello_is_kept() {
        let body = hello(b"\0\0\0\x0a\0\x08\0\0\x05a.bcd\0\x2b\0\x03\x02\x03\x04");
        let hello = ClientHello::parse(&body[..body.len() - 2]).unwrap();
        assert_eq!(hello.server_name.as_deref(), Some("a.bcd"));
        assert_eq!(hello.ciphers, [0x1301, 0x002f]);
        assert!(!hello.whole);
        for cut in 0..body.len() {
            ClientHello::parse(&body[..cut]);
        }
    }

    #[test]
    fn an_early_draft_of_tls_1_3_has_a_shorter_server_hello() {
        let mut body = vec![0x7f, 0x12];
        body.extend([7; 32]);
        body.extend([0x13, 0x01, 0, 8, 0, 40, 0, 4, 0, 29, 0, 0]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.cipher, hello.group), (Some(0x1301), Some(29)));
        assert_eq!(names::version(hello.version), Some("TLSv1.3"));
    }
}
