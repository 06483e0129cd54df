//! Any bytes, however cut, go through each decoder of content: what comes out stays within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plainsight::content::charset::Charset;
use plainsight::content::chunked::{Chunked, Step};
use plainsight::content::coding::{Coding, Decoder, Status};
use plainsight::content::document::{self, Document, Kind};
use plainsight::content::mime::{Message, Place};
use plainsight::content::sql::{Bulk, Dialect, Parameters, Tokens};
use plainsight::content::{base64, form, header, keys, media, multipart, percent, pieces, sniff};
use plainsight::model::event::{Format, Outcome};
use plainsight::model::flow::Direction;
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight_fuzz::stage::Events;

const CODINGS: [&[Coding]; 8] = [
    &[Coding::Gzip],
    &[Coding::Deflate],
    &[Coding::Brotli],
    &[Coding::Zstd],
    &[Coding::Gzip, Coding::Gzip],
    &[Coding::Brotli, Coding::Zstd],
    &[Coding::Deflate, Coding::Gzip, Coding::Deflate],
    &[],
];

fuzz_target!(|data: &[u8]| {
    let [choice, size, bytes @ ..] = data else { return };
    let size = usize::from(*size) + 1;
    match choice & 15 {
        0 => simple(bytes),
        1 => chunked(bytes, size),
        2 => mime(bytes, size),
        3 => statements(bytes),
        4 => {
            let (boundary, rest) = bytes.split_at(size.min(bytes.len()));
            assert!(multipart::parts(rest, boundary).count() <= rest.len() + 1);
        }
        6 => files(bytes, size),
        5 => {
            let mut kept = pieces::Pieces::default();
            let mut emit = |stretch: Stretch<'_>, seen: usize| assert!(seen <= stretch.bytes.len());
            for piece in bytes.chunks(size) {
                kept.push(stretch(piece), &mut emit);
            }
            kept.finish(&mut emit);
        }
        other => coded(CODINGS[usize::from(other) % CODINGS.len()], bytes, size),
    }
});

/// Files and texts in charsets.
fn files(bytes: &[u8], size: usize) {
    let _ = keys::of_file(bytes);
    let mut events = Events::default();
    for kind in [Kind::of_file(bytes), Kind::of_message(bytes)].into_iter().flatten() {
        let mut document = Document::new(kind);
        for piece in bytes.chunks(size) {
            document.push(stretch(piece), 0..piece.len());
        }
        let (direction, outcome) = (Direction::ToClient, Outcome::Unknown);
        document.finish(document::Place { place: "file", resource: "", direction, outcome }, &mut events);
    }
    let (label, text) = bytes.split_at(size.min(bytes.len()));
    for said in [Charset::of_media(label), Some(Charset::named(label)), None] {
        let mut kept = pieces::Pieces::default();
        kept.read_as(said, Format::Html);
        for piece in text.chunks(size) {
            kept.push(stretch(piece), &mut |stretch, seen| assert!(seen <= stretch.bytes.len()));
        }
        kept.finish(&mut |stretch, seen| assert!(seen <= stretch.bytes.len()));
    }
}

fn stretch(bytes: &[u8]) -> Stretch<'_> {
    const HERE: &[Origin] = &[Origin {
        start: 0,
        mark: Mark {
            frame: plainsight::model::packet::FrameNo { file: 0, number: 1 },
            at: plainsight::model::time::Timestamp::from_nanos(0),
        },
    }];
    Stretch { bytes, origins: HERE }
}

fn simple(bytes: &[u8]) {
    if let Some(decoded) = base64::decode(bytes) {
        assert!(decoded.len() <= bytes.len());
        assert_eq!(base64::decode(base64::encode(&decoded).as_bytes()), Some(decoded));
    }
    assert!(form::pairs(bytes).count() <= bytes.len() + 1);
    for field in header::headers(bytes) {
        field.unfolded();
        header::parameter(field.value, "charset");
        header::split_quoted(field.value, b';').for_each(|part| drop(header::unquoted(part)));
    }
    media::of(bytes);
    for plus in [percent::Plus::Plus, percent::Plus::Space] {
        assert!(percent::decode(bytes, plus).len() <= bytes.len());
    }
    sniff::binary(bytes);
    sniff::format(bytes);
    sniff::is_text(bytes);
    sniff::looks_encrypted(bytes);
    multipart::guess_boundary(bytes);
}

fn chunked(bytes: &[u8], size: usize) {
    let mut state = Chunked::default();
    let mut kept: Vec<u8> = Vec::new();
    for piece in bytes.chunks(size) {
        kept.extend(piece);
        let mut from = 0;
        loop {
            match state.step(&kept, from) {
                Step::Data(range) => {
                    assert!(range.start >= from && range.end <= kept.len() && range.start < range.end);
                    from = range.end;
                }
                Step::Trailer(range, next) => {
                    assert!(range.end <= next && from < next && next <= kept.len());
                    from = next;
                }
                Step::More(done) => {
                    assert!(done <= kept.len());
                    kept.drain(..done);
                    break;
                }
                Step::End(done) | Step::Broken(done) => {
                    assert!(done <= kept.len());
                    return;
                }
            }
        }
    }
}

fn mime(bytes: &[u8], size: usize) {
    let place = Place { header: "smtp.message.header", body: "smtp.message" };
    let mut events = Events::default();
    for begin in [Message::new, Message::part] {
        let mut message = begin(place, Direction::ToServer);
        for (n, piece) in bytes.chunks(size).enumerate() {
            if n % 7 == 6 {
                message.gap(&mut events);
            }
            message.push(stretch(piece), 0..piece.len(), &mut events);
        }
        message.finish(&mut events);
    }
}

fn statements(bytes: &[u8]) {
    for dialect in [Dialect::MySql, Dialect::PostgreSql] {
        assert!(Tokens::new(bytes, dialect).count() <= bytes.len());
        let parameters = Parameters::of(bytes, dialect);
        for index in 0..parameters.count().min(100) {
            parameters.name(index);
        }
        Bulk::of(bytes, dialect);
    }
}

/// Output never exceeds the room given, and a decoder that says nothing more stops.
fn coded(codings: &[Coding], bytes: &[u8], size: usize) {
    const ENOUGH: usize = 1 << 20;
    let mut decoder = Decoder::new(codings.iter().copied());
    let (mut out, mut total) = (Vec::new(), 0);
    for piece in bytes.chunks(size) {
        let mut rest = piece;
        loop {
            out.clear();
            let room = 1 + size * 16;
            let (used, status) = decoder.decode(rest, &mut out, room);
            assert!(used <= rest.len() && out.len() <= room, "{used} of {}, {} of {room}", rest.len(), out.len());
            total += out.len();
            rest = &rest[used..];
            match status {
                Status::Hungry => break,
                Status::Full if total < ENOUGH => assert!(used > 0 || !out.is_empty(), "no progress"),
                Status::Full | Status::Ended | Status::Broken => return,
            }
        }
    }
    out.clear();
    decoder.finish(&mut out, 100);
    assert!(out.len() <= 100);
}
