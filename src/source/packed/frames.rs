//! What the libraries leave to do: rows of frames, and all that can be had of a file that is cut short.

use std::io::{self, BufRead, BufReader, Read};

use lz4_flex::frame::{self, FrameDecoder as Lz4Decoder};
use lzma_rust2::{Action, Status, XzStream};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::model::limits;

type Inner = BufReader<Box<dyn Read + Send>>;

/// RFC 8878.
pub(super) struct Zstd {
    input: Inner,
    decoder: FrameDecoder,
    /// What ended decoding, told when everything before it was taken.
    broken: Option<io::Error>,
    started: bool,
}

/// An empty last block of raw bytes, with room for a checksum: makes the decoder give all it holds.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

impl Zstd {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(limits::WINDOW_BYTES as u64);
        Self { input: BufReader::new(input), decoder, broken: None, started: false }
    }

    /// Begins the next frame. `false`: there is none.
    fn frame(&mut self) -> io::Result<bool> {
        self.started = false;
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => {
                    self.started = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.input).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl Read for Zstd {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.started && self.decoder.can_collect() > 0 {
                return self.decoder.read(into);
            }
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
            if !self.started || self.decoder.is_finished() {
                if !self.frame()? {
                    return Ok(0);
                }
                continue;
            }
            if let Err(error) = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1)) {
                self.broken = Some(io::Error::other(error));
                let _ = self.decoder.decode_blocks(LAST_BLOCK.as_slice(), BlockDecodingStrategy::All);
            }
        }
    }
}

/// <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>.
pub(super) struct Lz4 {
    decoder: Lz4Decoder<Inner>,
}

impl Lz4 {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { decoder: Lz4Decoder::new(BufReader::new(input)) }
    }
}

impl Read for Lz4 {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.decoder.read(into) {
                // The end of a frame, unless it is that of the file.
                Ok(0) if !self.decoder.get_mut().fill_buf()?.is_empty() => {}
                Ok(count) => return Ok(count),
                Err(error) => {
                    let Some(frame::Error::SkippableFrame(length)) =
                        error.get_ref().and_then(|inner| inner.downcast_ref())
                    else {
                        return Err(error);
                    };
                    let length = u64::from(*length);
                    io::copy(&mut self.decoder.get_mut().take(length), &mut io::sink())?;
                }
            }
        }
    }
}

/// <https://tukaani.org/xz/xz-file-format.txt>.
pub(super) struct Xz {
    input: Inner,
    stream: XzStream,
}

/// What the xz decoder may take, in its unit.
const XZ_KIB: u32 = (limits::WINDOW_BYTES >> 10) as u32 + (1 << 10);
/// Output of one step: what is lost of a step that fails.
const XZ_STEP: usize = 16 << 10;

impl Xz {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input: BufReader::new(input), stream: XzStream::new_mem_limit(true, XZ_KIB) }
    }
}

impl Read for Xz {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = into.len().min(XZ_STEP);
        let room = into.get_mut(..room).unwrap_or_default();
        loop {
            let input = self.input.fill_buf()?;
            let action = if input.is_empty() { Action::Finish } else { Action::Run };
            let step = self.stream.process(input, room, action)?;
            self.input.consume(step.bytes_consumed);
            if step.bytes_produced > 0 || step.status == Status::StreamEnd {
                return Ok(step.bytes_produced);
            }
            if action == Action::Finish && step.bytes_consumed == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
