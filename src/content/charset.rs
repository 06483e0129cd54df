//! Text in another charset than UTF-8, made UTF-8 as it passes: what its carrier says of it, or the text
//! itself (WHATWG Encoding, whose labels and tables are used).

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{CoderResult, Encoding};

use super::header;
use super::utf16::Order;
use crate::model::event::Format;
use crate::model::stream::Gathered;

/// Bytes at the start of a document in which it names its charset (HTML standard section 13.2.3.2).
pub const DECLARATION: usize = 1024;

/// Bytes that one call of the decoder makes.
const ROOM: usize = 4096;

/// A charset that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// What western programs that know of no charset write.
    pub const LATIN: Self = Self(encoding_rs::WINDOWS_1252);

    /// The charset of a label. `None`: it is UTF-8, or nobody knows it.
    pub fn named(label: &[u8]) -> Option<Self> {
        let encoding = Encoding::for_label_no_replacement(label)?;
        (encoding != encoding_rs::UTF_8).then_some(Self(encoding))
    }

    /// What the `charset` of a media type says: the outer `None` when it says nothing.
    pub fn of_media(content_type: &[u8]) -> Option<Option<Self>> {
        header::parameter(content_type, "charset").map(|label| Self::named(label.trim_ascii()))
    }

    /// UTF-16 with this order of bytes.
    pub const fn utf16(order: Order) -> Self {
        match order {
            Order::Big => Self(encoding_rs::UTF_16BE),
            Order::Little => Self(encoding_rs::UTF_16LE),
        }
    }

    /// What the text says of itself: `<meta charset=…>`, `<?xml encoding=…?>`.
    pub fn declared(text: &[u8], format: Format) -> Option<Self> {
        let head = text.get(..DECLARATION).unwrap_or(text);
        let part = match format {
            Format::Html => {
                let lower = head.to_ascii_lowercase();
                let meta = memchr::memmem::find_iter(&lower, b"<meta").find(|n| {
                    let tag = lower.get(*n..).and_then(|rest| rest.split(|b| *b == b'>').next()).unwrap_or_default();
                    memchr::memmem::find(tag, b"charset").is_some()
                })?;
                let at = meta + memchr::memmem::find(lower.get(meta..)?, b"charset")?;
                head.get(at + b"charset".len()..)?
            }
            Format::Xml => {
                let end = memchr::memmem::find(head.trim_ascii_start().strip_prefix(b"<?xml")?, b"?>")?;
                let declaration = head.trim_ascii_start().get(..end + 5)?;
                declaration.get(memchr::memmem::find(declaration, b"encoding")? + b"encoding".len()..)?
            }
            _ => return None,
        };
        let value = part.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let end = value.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.')));
        // What can be read as ASCII is not in a charset of wide units, whatever it says.
        Self::named(value.get(..end.unwrap_or(value.len()))?).filter(|charset| charset.0.is_ascii_compatible())
    }

    /// What bytes say in this charset.
    pub fn read(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let mut stream = Stream::new(self);
        if stream.leaves(bytes) {
            return bytes.into();
        }
        let mut out = Vec::with_capacity(bytes.len());
        stream.convert(bytes, true, &mut out);
        out.into()
    }
}

/// Makes UTF-8 of a text that comes in pieces, in the buffer they are gathered in.
#[derive(Debug, Default)]
pub struct Transcoder {
    source: Source,
    /// Up to where the buffer is UTF-8.
    done: usize,
}

/// What the text is in.
#[derive(Default)]
enum Source {
    Other(Box<Stream>),
    /// It may say so at its start.
    Undeclared(Format),
    #[default]
    Utf8,
}

impl Transcoder {
    /// For text of which its carrier says this (see [`Charset::of_media`]); where that is nothing, the
    /// text may say it itself.
    pub fn new(said: Option<Option<Charset>>, format: Format) -> Self {
        let source = match said {
            Some(charset) => Source::of(charset),
            None => Source::Undeclared(format),
        };
        Self { source, done: 0 }
    }

    /// Makes UTF-8 of what the buffer got since the last time. Plain ASCII stays as it is.
    pub fn rewrite(&mut self, buffer: &mut Gathered) {
        let bytes = buffer.stretch().bytes;
        if let Source::Undeclared(format) = self.source {
            self.source = Source::of(Charset::declared(bytes, format));
        }
        if let Source::Other(stream) = &mut self.source
            && !stream.leaves(bytes.get(self.done..).unwrap_or_default())
        {
            buffer.rewrite(self.done, |bytes, out| stream.convert(bytes, false, out));
        }
        self.done = buffer.len();
    }

    /// Of the buffer the last `length` bytes are left, all of them UTF-8.
    pub const fn keep(&mut self, length: usize) {
        self.done = length;
    }
}

impl Source {
    fn of(charset: Option<Charset>) -> Self {
        charset.map_or(Self::Utf8, |charset| Self::Other(Box::new(Stream::new(charset))))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(stream) => stream.charset.fmt(f),
            Self::Undeclared(_) => f.write_str("Undeclared"),
            Self::Utf8 => f.write_str("UTF-8"),
        }
    }
}

/// Text of a charset on its way.
struct Stream {
    charset: Charset,
    decoder: encoding_rs::Decoder,
    /// The decoder may hold the beginning of a character.
    within: bool,
    /// The text is UTF-8 whatever was said of it, as its first letters that are not ASCII show.
    already: Option<bool>,
}

impl Stream {
    /// A byte order mark at the start outranks the charset.
    fn new(charset: Charset) -> Self {
        Self { charset, decoder: charset.0.new_decoder(), within: false, already: None }
    }

    /// Whether nothing is to be done about a piece.
    fn leaves(&mut self, piece: &[u8]) -> bool {
        let encoding = self.charset.0;
        let ascii = encoding.is_ascii_compatible() && piece.is_ascii();
        if piece.is_empty() || ascii && !self.within {
            return true;
        }
        // Old pages often say the charset they once had, and programs whose strings are UTF-16 inside say
        // so of what they send. Of charsets with letters of several bytes, a few letters can look like
        // UTF-8 by chance.
        let already = if encoding.is_single_byte() {
            is_utf8(piece)
        } else if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
            piece.iter().all(|b| (1..0x80).contains(b))
        } else {
            false
        };
        *self.already.get_or_insert(already)
    }

    fn convert(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut rest = bytes;
        let mut room = [0u8; ROOM];
        loop {
            let (result, read, written, _) = self.decoder.decode_to_utf8(rest, &mut room, last);
            out.extend_from_slice(room.get(..written).unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                break;
            }
        }
        self.within = !self.charset.0.is_single_byte();
    }
}

/// Whether bytes are UTF-8 with a letter that is not ASCII. A character may be cut at their end.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(text) => !text.is_ascii(),
        Err(error) => {
            let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
            error.error_len().is_none() && !whole.is_ascii()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::{FrameNo, Mark};

    /// `password=` and a word of the language, as its users' programs write it.
    const WRITTEN: [(&str, &[u8], &str); 12] = [
        ("ISO-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ("iso-8859-2", b"\xe6ma", "ćma"),
        ("windows-1252", b"5 \x80", "5 €"),
        ("windows-1251", b"\xef\xe0\xf0\xee\xeb\xfc", "пароль"),
        ("KOI8-R", b"\xd0\xc1\xd2\xcf\xcc\xd8", "пароль"),
        ("Shift_JIS", b"\x83p\x83X\x83\x8f\x81[\x83h", "パスワード"),
        ("EUC-JP", b"\xa5\xd1\xa5\xb9", "パス"),
        ("ISO-2022-JP", b"\x1b$B%Q%9\x1b(B", "パス"),
        ("EUC-KR", b"\xba\xf1\xb9\xd0", "비밀"),
        ("GBK", b"\xc3\xdc\xc2\xeb", "密码"),
        ("gb18030", b"\xc3\xdc\xc2\xeb", "密码"),
        ("Big5", b"\xb1K\xbdX", "密碼"),
    ];

    #[test]
    fn charsets_are_read_however_the_text_is_cut_and_keep_their_packets() {
        for (label, bytes, expected) in WRITTEN {
            let charset = Charset::named(label.as_bytes()).unwrap();
            assert_eq!(charset.read(bytes).as_ref(), expected.as_bytes(), "{label}");
            for cut in 0..=bytes.len() {
                let (mut buffer, mut transcoder) =
                    (Gathered::default(), Transcoder::new(Some(Some(charset)), Format::Plain));
                buffer.push(b"kept \xff", mark(0));
                transcoder.keep(6);
                let (left, right) = bytes.split_at(cut);
                buffer.push(left, mark(1));
                transcoder.rewrite(&mut buffer);
                buffer.push(right, mark(2));
                buffer.push(b" end", mark(3));
                transcoder.rewrite(&mut buffer);
                let whole = [b"kept \xff", expected.as_bytes(), b" end"].concat();
                assert_eq!(buffer.stretch().bytes, whole, "{label} cut at {cut}");
                assert_eq!(buffer.stretch().mark(whole.len() - 1).frame.number, 3);
            }
        }
    }

    fn mark(number: u64) -> Mark {
        Mark { frame: FrameNo { file: 0, number }, ..Mark::default() }
    }

    #[test]
    fn a_text_names_its_charset() {
        let of = |text: &str, format| Charset::declared(text.as_bytes(), format).map(|charset| charset.0.name());
        for (text, format, name) in [
            ("<html><head><META content='text/html; charset=koi8-r' http-equiv=x>", Format::Html, Some("KOI8-R")),
            ("<!doctype html><meta name=a><meta charset=\"Shift_JIS\">", Format::Html, Some("Shift_JIS")),
            ("<meta charset=utf-8>", Format::Html, None),
            ("<meta charset=utf-16>", Format::Html, None),
            ("<p>charset=koi8-r</p>", Format::Html, None),
            ("<?xml version=\"1.0\" encoding='ISO-8859-15'?><a/>", Format::Xml, Some("ISO-8859-15")),
            ("<?xml version=\"1.0\"?><a encoding='koi8-r'/>", Format::Xml, None),
        ] {
            assert_eq!(of(text, format), name, "{text}");
        }
        assert_eq!(Charset::of_media(b"text/html; charset=\"utf-8\""), Some(None));
        assert_eq!(Charset::of_media(b"text/html"), None);
    }

    #[test]
    fn utf_8_that_is_called_latin_stays_as_it_is() {
        let charset = Charset::named(b"latin1").unwrap();
        assert_eq!(charset.read("Grüße".as_bytes()).as_ref(), "Grüße".as_bytes());
        let wide = Charset::named(b"utf-16").unwrap();
        assert_eq!(wide.read(b"<a>plain</a>").as_ref(), b"<a>plain</a>");
        assert_eq!(wide.read(b"a\0b\0").as_ref(), b"ab");
    }
}
