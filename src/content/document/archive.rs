//! Archives, front to back, so that half an archive gives what is in that half: ZIP (PKWARE's APPNOTE
//! section 4.3) by its local headers, tar (POSIX.1-1988 section 10.1.1) by its blocks.

use super::office::Book;
use super::{member, office, unpack};
use crate::content::bytes::Bytes;
use crate::content::carrier::Carrier;
use crate::content::coding::Coding;
use crate::model::event::{EventSink, Skip};

/// Files of one archive that are looked at.
const FILES: usize = 4096;

/// A local header of a ZIP file.
struct Local<'a> {
    encrypted: bool,
    method: u16,
    /// Packed size, where it is known before the file.
    size: Option<usize>,
    name: &'a [u8],
    /// Where the file starts.
    start: usize,
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ZSTD: u16 = 93;

/// Says what is in the files of a ZIP archive.
pub(super) fn zip(bytes: &[u8], carrier: &Carrier<'_>, room: &mut usize, depth: usize, out: &mut dyn EventSink) {
    let mut book = Book::default();
    let mut at = 0;
    for _ in 0..FILES {
        let Some(local) = bytes.get(at..).and_then(local) else { break };
        let start = at + local.start;
        let rest = bytes.get(start..).unwrap_or_default();
        let packed = local.size.map_or(rest, |size| rest.get(..size).unwrap_or(rest));
        let (content, used) = match local.method {
            _ if local.encrypted => {
                let length = local.size.unwrap_or_else(|| next(packed));
                carrier.skipped(Skip::Sealed, length.min(packed.len()), out);
                (Vec::new(), length)
            }
            STORED => {
                let length = local.size.unwrap_or_else(|| next(packed)).min(packed.len());
                (packed.get(..length).unwrap_or_default().to_vec(), length)
            }
            DEFLATED => unpack(Coding::Deflate, packed, room),
            ZSTD => unpack(Coding::Zstd, packed, room),
            _ => {
                let length = local.size.unwrap_or_else(|| next(packed));
                carrier.skipped(Skip::Coding, length.min(packed.len()), out);
                (Vec::new(), length)
            }
        };
        let name = String::from_utf8_lossy(local.name);
        if !content.is_empty() && !book.take(&name, &content) && !office::document(&name, &content, carrier, out) {
            let path =
                if carrier.resource.is_empty() { name.into_owned() } else { format!("{}/{name}", carrier.resource) };
            member(&path, &content, carrier, room, depth, out);
        }
        let end = start + local.size.unwrap_or(used);
        let Some(after) = bytes.get(end..) else { break };
        // What describes the file may stand behind it.
        let Some(found) = memchr::memmem::find(after, b"PK\x03\x04") else { break };
        at = end + found;
    }
    book.say(carrier, out);
}

/// Where the record after a file of unknown size begins.
fn next(bytes: &[u8]) -> usize {
    let record = |sign: &[u8]| memchr::memmem::find(bytes, sign);
    let ends = [record(b"PK\x07\x08"), record(b"PK\x03\x04"), record(b"PK\x01\x02")];
    ends.into_iter().flatten().min().unwrap_or(bytes.len())
}

fn local(bytes: &[u8]) -> Option<Local<'_>> {
    let mut head = Bytes(bytes);
    head.expect(b"PK\x03\x04")?;
    head.take(2)?;
    let (flags, method) = (head.u16_le()?, head.u16_le()?);
    head.take(8)?;
    let (packed, _) = (head.u32_le()?, head.u32_le()?);
    let (name, extra) = (head.u16_le()?, head.u16_le()?);
    let name = head.take(usize::from(name))?;
    head.take(usize::from(extra))?;
    // Bit 3: sizes follow the file. All ones: they stand among the extra fields.
    let known = packed != u32::MAX && (flags & 8 == 0 || packed > 0);
    Some(Local {
        encrypted: flags & 1 != 0,
        method,
        size: known.then_some(packed as usize),
        name,
        start: bytes.len() - head.0.len(),
    })
}

/// Bytes of a block of a tar archive.
const BLOCK: usize = 512;

/// Whether bytes begin a tar archive: by its mark, or before that existed by the sum over its first block.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    if bytes.get(257..262) == Some(b"ustar") {
        return true;
    }
    let Some(head) = bytes.get(..BLOCK) else { return false };
    let digits = head.get(SUM).unwrap_or_default().trim_ascii_start();
    let digits = digits.split(|b| !b.is_ascii_digit()).next().and_then(|digits| std::str::from_utf8(digits).ok());
    let Some(sum) = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()).filter(|sum| *sum > 0) else {
        return false;
    };
    // The sum itself counts as blanks.
    let counted = head.iter().enumerate().map(|(n, b)| if SUM.contains(&n) { 32 } else { u32::from(*b) });
    counted.sum::<u32>() == sum
}

/// Says what is in the files of a tar archive.
pub(super) fn tar(bytes: &[u8], carrier: &Carrier<'_>, room: &mut usize, depth: usize, out: &mut dyn EventSink) {
    let mut at = 0;
    for _ in 0..FILES {
        let Some(head) = bytes.get(at..).and_then(|rest| rest.get(..BLOCK)) else { break };
        let text = |range: std::ops::Range<usize>| {
            let field = head.get(range).unwrap_or_default();
            String::from_utf8_lossy(field.split(|b| *b == 0).next().unwrap_or_default()).trim().to_owned()
        };
        let Ok(size) = usize::from_str_radix(&text(124..136), 8) else { break };
        let start = at + BLOCK;
        let Some(rest) = bytes.get(start..) else { break };
        // A plain file.
        if matches!(head.get(156), Some(b'0' | 0)) {
            let content = rest.get(..size).unwrap_or(rest);
            let name = text(0..100);
            let path = if carrier.resource.is_empty() { name } else { format!("{}/{name}", carrier.resource) };
            member(&path, content, carrier, room, depth, out);
        }
        at = start.saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
    }
}

#[cfg(test)]
mod tests {
    use super::is_tar;

    #[test]
    fn an_archive_without_a_mark_is_told_by_its_sum() {
        let mut head = [0u8; 512];
        head[..6].copy_from_slice(b"a.conf");
        head[124..135].copy_from_slice(b"00000000011");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(is_tar(&head));
        head[0] = b'b';
        assert!(!is_tar(&head));
        assert!(!is_tar(&[b'0'; 600]) && !is_tar(&[0; 600]));
    }
}
