//! Reading ahead on a thread of its own.

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::model::limits;

/// What one read asks for at least: many small reads would cost more than unpacking does.
const PIECE: usize = 256 << 10;

/// What a reader gives, read ahead of whoever takes it, by [`limits::AHEAD_BYTES`] at most.
pub(in crate::source) struct Ahead {
    full: Receiver<io::Result<Vec<u8>>>,
    /// Pieces that were taken travel back to be filled again.
    empty: Sender<Vec<u8>>,
    piece: Vec<u8>,
    taken: usize,
}

impl Ahead {
    /// Begins to read `inner`. The thread ends with the input, or when this is dropped.
    pub(super) fn new(inner: Box<dyn Read + Send>) -> io::Result<Self> {
        let pieces = limits::AHEAD_BYTES / PIECE;
        let (to_full, full) = bounded(pieces);
        let (empty, from_empty) = bounded(pieces + 2);
        thread::Builder::new().name("unpack".to_owned()).spawn(move || fill(inner, &to_full, &from_empty))?;
        Ok(Self { full, empty, piece: Vec::new(), taken: 0 })
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            // The thread hangs up at the end of its input.
            let Ok(next) = self.full.recv() else { return Ok(0) };
            let _ = self.empty.try_send(std::mem::replace(&mut self.piece, next?));
            self.taken = 0;
        }
        let rest = self.piece.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}

fn fill(mut inner: Box<dyn Read + Send>, full: &Sender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut piece = empty.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        // A decoder that fails on hostile bytes costs what it has not unpacked yet, not the run.
        let (count, error) = catch_unwind(AssertUnwindSafe(|| read_whole(&mut inner, &mut piece)))
            .unwrap_or_else(|_| (0, Some(io::Error::other("the decompressor failed"))));
        piece.truncate(count);
        let ended = count < PIECE;
        if count > 0 && full.send(Ok(piece)).is_err() {
            return;
        }
        if let Some(error) = error {
            let _ = full.send(Err(error));
            return;
        }
        if ended {
            return;
        }
    }
}

/// Reads until `into` is full, or the input at its end or broken.
fn read_whole(inner: &mut impl Read, into: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
        match inner.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}
