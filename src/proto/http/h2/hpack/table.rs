//! The tables of HPACK (RFC 7541 section 2.3 and appendix A).

use std::collections::VecDeque;

use crate::model::limits;
use crate::model::secret::HeldSecret;

/// What an entry costs besides its bytes (section 4.1).
const OVERHEAD: usize = 32;
/// Size of a table until its encoder changes it (RFC 9113 section 6.5.2).
const USUAL: usize = 4096;

/// The fields that both sides know from the start.
#[rustfmt::skip]
const STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// The fields that one side has sent and may refer to, the newest first.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    /// As large as it may grow.
    most: usize,
}

#[derive(Debug)]
struct Entry {
    /// Empty where it is not known.
    name: Box<[u8]>,
    value: HeldSecret,
}

impl Default for Table {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, most: USUAL }
    }
}

impl Table {
    /// Name and value of the field with this number; `None` where it was not seen.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let index = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Some((name, value));
        }
        let entry = self.entries.get(index - STATIC.len())?;
        Some((&entry.name, entry.value.as_secret().expose()))
    }

    /// Takes a new field, for which old ones make room (section 4.4).
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + OVERHEAD;
        self.make_room(self.most.saturating_sub(size));
        if size <= self.most {
            self.size += size;
            self.entries.push_front(Entry { name: name.into(), value: HeldSecret::new(value) });
        }
    }

    /// The encoder says how large it is from now on.
    pub(super) fn resize(&mut self, most: usize) {
        self.most = most.min(limits::HPACK_BYTES);
        self.make_room(self.most);
    }

    /// Fields may have been added unseen: which numbers the old ones have now is not known, nor how large it is.
    pub(super) fn lose(&mut self) {
        *self = Self { most: limits::HPACK_BYTES, ..Self::default() };
    }

    fn make_room(&mut self, most: usize) {
        while self.size > most
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size -= oldest.name.len() + oldest.value.as_secret().expose().len() + OVERHEAD;
        }
    }
}
