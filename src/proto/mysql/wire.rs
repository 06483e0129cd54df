//! Packets, lengths, values and column definitions as they are written
//! (<https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>,
//! <https://mariadb.com/kb/en/clientserver-protocol/>).

use crate::content::sniff;
use crate::proto::cursor::Cursor;
use crate::proto::value;

/// Length and sequence number.
pub(super) const HEADER: usize = 4;

/// A payload of this length goes on in the next packet.
pub(super) const LONGEST: u32 = 0x00ff_ffff;

pub(super) const CLIENT_MYSQL: u32 = 0x1;
pub(super) const CLIENT_CONNECT_WITH_DB: u32 = 0x8;
pub(super) const CLIENT_COMPRESS: u32 = 0x20;
pub(super) const CLIENT_PROTOCOL_41: u32 = 0x200;
pub(super) const CLIENT_SSL: u32 = 0x800;
pub(super) const CLIENT_SECURE_CONNECTION: u32 = 0x8000;
pub(super) const CLIENT_PLUGIN_AUTH: u32 = 0x8_0000;
pub(super) const CLIENT_PLUGIN_AUTH_LENENC: u32 = 0x20_0000;
pub(super) const CLIENT_OPTIONAL_METADATA: u32 = 0x200_0000;
pub(super) const CLIENT_ZSTD: u32 = 0x400_0000;
pub(super) const CLIENT_QUERY_ATTRIBUTES: u32 = 0x800_0000;

/// `SERVER_MORE_RESULTS_EXISTS`.
pub(super) const MORE_RESULTS: u16 = 0x8;
/// `SERVER_STATUS_CURSOR_EXISTS`: rows come when they are fetched.
pub(super) const CURSOR: u16 = 0x40;

/// A length-encoded integer. `None` also for the marks that are none (0xfb, 0xff).
pub(super) fn lenenc(cursor: &mut Cursor<'_>) -> Option<u64> {
    match cursor.u8()? {
        0xfb | 0xff => None,
        0xfc => cursor.u16_le().map(u64::from),
        0xfd => cursor.u24_le().map(u64::from),
        0xfe => cursor.u64_le(),
        small => Some(u64::from(small)),
    }
}

/// A length-encoded string.
pub(super) fn lenenc_string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = lenenc(cursor)?;
    cursor.take(usize::try_from(length).ok()?)
}

/// A value of a text row: a length-encoded string, or 0xfb for NULL (`Some(None)`).
pub(super) fn text_value<'a>(cursor: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    if cursor.peek()? == 0xfb {
        cursor.skip(1)?;
        return Some(None);
    }
    lenenc_string(cursor).map(Some)
}

/// How many values there are if the payload is a text row with readable values and nothing else.
pub(super) fn text_row(payload: &[u8]) -> Option<usize> {
    let (mut cursor, mut count) = (Cursor::new(payload), 0);
    while !cursor.is_empty() {
        if let Some(value) = text_value(&mut cursor)?
            && !sniff::is_text(value)
        {
            return None;
        }
        count += 1;
    }
    Some(count)
}

/// `Protocol::EOF_Packet` of protocol 4.1.
pub(super) const fn is_eof(payload: &[u8]) -> bool {
    matches!(payload, [0xfe, _, _, _, _])
}

/// The status flags of an OK or EOF packet.
pub(super) fn status(payload: &[u8]) -> Option<u16> {
    let mut cursor = Cursor::new(payload);
    cursor.skip(1)?;
    if is_eof(payload) {
        // Warnings.
        cursor.skip(2)?;
    } else {
        // Affected rows, last insert id.
        lenenc(&mut cursor)?;
        lenenc(&mut cursor)?;
    }
    cursor.u16_le()
}

/// What a column or a parameter is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) kind: Kind,
}

/// A type: `MYSQL_TYPE_…`, and whether it is unsigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) code: u8,
    pub(super) unsigned: bool,
}

/// The columns of a result.
pub(super) type Columns = value::Columns<Column>;

/// `Protocol::ColumnDefinition41`, with MariaDB's extended metadata or without.
pub(super) fn column(payload: &[u8]) -> Option<Column> {
    const UNSIGNED: u16 = 0x20;
    let mut cursor = Cursor::new(payload);
    if lenenc_string(&mut cursor)? != b"def" {
        return None;
    }
    lenenc_string(&mut cursor)?;
    let table = lenenc_string(&mut cursor)?;
    let original = lenenc_string(&mut cursor)?;
    let name = lenenc_string(&mut cursor)?;
    lenenc_string(&mut cursor)?;
    // MariaDB's extended metadata stands before the fixed part of 12 bytes, a default value after it.
    if cursor.peek() != Some(12) || cursor.remaining() == 26 {
        lenenc_string(&mut cursor)?;
    }
    if lenenc(&mut cursor)? < 10 {
        return None;
    }
    // Character set, width.
    cursor.skip(6)?;
    let code = cursor.u8()?;
    let unsigned = cursor.u16_le()? & UNSIGNED != 0;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let table = if original.is_empty() { table } else { original };
    Some(Column { name: text(name), table: text(table), kind: Kind { code, unsigned } })
}

const TINY: u8 = 0x01;
const SHORT: u8 = 0x02;
const LONG: u8 = 0x03;
const FLOAT: u8 = 0x04;
const DOUBLE: u8 = 0x05;
const NULL: u8 = 0x06;
const TIMESTAMP: u8 = 0x07;
const LONGLONG: u8 = 0x08;
const INT24: u8 = 0x09;
const DATE: u8 = 0x0a;
const TIME: u8 = 0x0b;
const DATETIME: u8 = 0x0c;
const YEAR: u8 = 0x0d;
const BIT: u8 = 0x10;
const GEOMETRY: u8 = 0xff;

impl Kind {
    /// Values of this type cannot be anything sensitive: small and floating-point numbers, times.
    pub(super) const fn is_dull(self) -> bool {
        matches!(self.code, TINY | SHORT | FLOAT | DOUBLE | NULL | TIMESTAMP | TIME | DATETIME | YEAR | BIT | GEOMETRY)
    }

    /// Values of this type are strings with a length, also in binary format.
    pub(super) const fn is_text(self) -> bool {
        !matches!(self.code, 0x01..=0x0d)
    }

    /// Takes a value in binary format. `None` if it is not there.
    pub(super) fn take<'a>(self, cursor: &mut Cursor<'a>) -> Option<Binary<'a>> {
        let number = |signed: i64, bits: u64| Binary::Number(if self.unsigned { bits.into() } else { signed.into() });
        Some(match self.code {
            NULL => Binary::Nothing,
            TINY => cursor.u8().map(|_| Binary::Nothing)?,
            SHORT | YEAR => cursor.u16_le().map(|_| Binary::Nothing)?,
            LONG | INT24 => {
                let bits = cursor.u32_le()?;
                number(bits.cast_signed().into(), bits.into())
            }
            LONGLONG => {
                let bits = cursor.u64_le()?;
                number(bits.cast_signed(), bits)
            }
            FLOAT => cursor.skip(4).map(|()| Binary::Nothing)?,
            DOUBLE => cursor.skip(8).map(|()| Binary::Nothing)?,
            TIMESTAMP | DATE | TIME | DATETIME => {
                let length = cursor.u8()?;
                let mut parts = cursor.sub(usize::from(length))?;
                match (self.code, parts.u16_le(), parts.u8(), parts.u8()) {
                    (DATE, Some(year), Some(month), Some(day)) => Binary::Date(year, month, day),
                    _ => Binary::Nothing,
                }
            }
            _ => Binary::Bytes(lenenc_string(cursor)?),
        })
    }
}

/// A value in binary format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary<'a> {
    Bytes(&'a [u8]),
    Date(u16, u8, u8),
    /// Nothing of interest.
    Nothing,
    Number(i128),
}

/// Gives `say` what can be read in a value.
pub(super) fn readable(value: Binary<'_>, say: &mut dyn FnMut(&[u8])) {
    let shown = match value {
        Binary::Bytes(bytes) => return readable_text(bytes, say),
        Binary::Date(year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
        Binary::Nothing => return,
        Binary::Number(number) => number.to_string(),
    };
    readable_text(shown.as_bytes(), say);
}

/// As [`readable`], for a value in text format.
pub(super) fn readable_text(value: &[u8], say: &mut dyn FnMut(&[u8])) {
    if value.len() >= 3 && sniff::is_text(value) {
        say(value);
    }
}

/// A row or a list of parameters in binary format: `count` bits say which are NULL, from `offset` on.
/// Gives `each` the index, the place and the value of the others. `None` if it does not fit.
pub(super) fn binary_values<'a>(
    cursor: &mut Cursor<'a>,
    nulls: &[u8],
    offset: usize,
    kinds: impl Iterator<Item = Kind>,
    each: &mut dyn FnMut(usize, usize, Binary<'a>),
) -> Option<()> {
    for (index, kind) in kinds.enumerate() {
        let bit = index + offset;
        if nulls.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1) {
            continue;
        }
        let start = cursor.position();
        each(index, start, kind.take(cursor)?);
    }
    Some(())
}
