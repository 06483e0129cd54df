//! Brotli through brotli-decompressor.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::Status;

/// Output made room for at a time.
const STEP: usize = 16 << 10;

pub(super) struct Brotli {
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
}

impl Default for Brotli {
    fn default() -> Self {
        let alloc = StandardAlloc::default;
        Self { state: BrotliState::new_strict(alloc(), alloc(), alloc()) }
    }
}

impl Brotli {
    pub(super) fn decode(&mut self, input: &[u8], out: &mut Vec<u8>, room: usize) -> (usize, Status) {
        let limit = out.len().saturating_add(room);
        let (mut used, mut total) = (0, 0);
        loop {
            let start = out.len();
            let mut space = (limit - start).min(STEP);
            if space == 0 {
                return (used, Status::Full);
            }
            out.resize(start + space, 0);
            let (mut left, mut written) = (input.len() - used, 0);
            let target = out.get_mut(start..).unwrap_or_default();
            let result = BrotliDecompressStream(
                &mut left,
                &mut used,
                input,
                &mut space,
                &mut written,
                target,
                &mut total,
                &mut self.state,
            );
            out.truncate(start + written);
            match result {
                BrotliResult::NeedsMoreInput => return (used, Status::Hungry),
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::ResultFailure => return (used, Status::Broken),
                BrotliResult::ResultSuccess => return (used, Status::Ended),
            }
        }
    }
}
