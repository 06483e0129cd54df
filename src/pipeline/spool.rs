//! Reports on their way out while traffic goes on: a thread for each writes, and whoever reports never
//! waits for it. What a slow or broken target has no room for is counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::target::{Out, Target};
use crate::model::limits;

/// How long an idle writer waits before it looks whether its file is to be opened again.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the last lines may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Takes text and hands it on, whole, each time it is flushed.
pub struct Spool {
    text: Vec<u8>,
    queue: Sender<Vec<u8>>,
    state: Arc<State>,
}

/// The other end of a spool: what became of it.
pub struct Outlet {
    name: String,
    state: Arc<State>,
    over: Receiver<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Texts there was no room for, or that could not be written.
    lost: AtomicU64,
    reopen: AtomicBool,
    /// The end is near: a writer is waited for, and a broken target is not.
    closing: AtomicBool,
    /// The target takes no more, ever: whoever read it has gone.
    gone: AtomicBool,
    /// The last try to write failed.
    broken: AtomicBool,
}

impl Spool {
    /// Opens the target and starts its writer. `private`: it will hold clear secrets; a new file is its
    /// owner's alone.
    pub fn open(target: Target, private: bool) -> io::Result<(Self, Outlet)> {
        let out = Out::append(&target, private)?;
        let (queue, texts) = bounded(limits::SPOOLED);
        let (done, over) = bounded(1);
        let state = Arc::new(State::default());
        let name = target.to_string();
        let writer = Writer { target, private, out, state: Arc::clone(&state), deadline: None };
        thread::Builder::new().name("writer".to_owned()).spawn(move || {
            writer.run(&texts);
            let _ = done.send(());
        })?;
        let outlet = Outlet { name, state: Arc::clone(&state), over };
        Ok((Self { text: Vec::new(), queue, state }, outlet))
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Hands over what was written since the last time. [`io::ErrorKind::WouldBlock`]: there is no room.
    fn flush(&mut self) -> io::Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        let patience = if self.state.closing.load(Ordering::Relaxed) { FAREWELL } else { Duration::ZERO };
        if self.queue.send_timeout(text, patience).is_ok() {
            return Ok(());
        }
        self.state.lost.fetch_add(1, Ordering::Relaxed);
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Outlet {
    /// The target, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Has the file opened anew by its name, after what is on its way: what log rotation asks for.
    pub fn reopen(&self) {
        self.state.reopen.store(true, Ordering::Relaxed);
    }

    /// How many lines (or blocks of lines) were not written so far.
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }

    /// Whether the last try to write failed.
    pub fn is_broken(&self) -> bool {
        self.state.broken.load(Ordering::Relaxed)
    }

    /// Whether nobody reads it any more.
    pub fn is_gone(&self) -> bool {
        self.state.gone.load(Ordering::Relaxed)
    }

    /// From now on, whoever reports waits for the writer.
    pub fn closing(&self) {
        self.state.closing.store(true, Ordering::Relaxed);
    }

    /// Waits for the writer, once its spool is no more. Whether all was written in time.
    pub fn wait(&self) -> bool {
        let in_time = !matches!(self.over.recv_timeout(FAREWELL), Err(RecvTimeoutError::Timeout));
        in_time && self.lost() == 0
    }
}

struct Writer {
    target: Target,
    private: bool,
    out: Out,
    state: Arc<State>,
    /// A broken target is not tried again from here on: the end has come.
    deadline: Option<Instant>,
}

impl Writer {
    fn run(mut self, texts: &Receiver<Vec<u8>>) {
        loop {
            match texts.recv_timeout(PATIENCE) {
                Ok(text) => self.write(&text),
                Err(RecvTimeoutError::Timeout) => self.turn_over(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Writes one text whole, as soon as that can be done.
    fn write(&mut self, text: &[u8]) {
        loop {
            self.turn_over();
            if self.state.gone.load(Ordering::Relaxed) {
                break;
            }
            match self.out.put(text) {
                Ok(()) => {
                    self.state.broken.store(false, Ordering::Relaxed);
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.state.gone.store(true, Ordering::Relaxed);
                }
                Err(_) => {
                    self.state.broken.store(true, Ordering::Relaxed);
                    if self.state.closing.load(Ordering::Relaxed)
                        && *self.deadline.get_or_insert_with(|| Instant::now() + PATIENCE * 5) < Instant::now()
                    {
                        break;
                    }
                    thread::sleep(PATIENCE);
                }
            }
        }
        self.state.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn turn_over(&mut self) {
        if self.state.reopen.swap(false, Ordering::Relaxed) {
            match Out::append(&self.target, self.private) {
                Ok(out) => self.out = out,
                // The old file goes on taking what comes.
                Err(_) => self.state.broken.store(true, Ordering::Relaxed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_file_is_left_for_a_new_one_and_no_line_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("findings");
        let (mut spool, outlet) = Spool::open(Target::File(path.clone()), false).unwrap();
        for n in 0..200 {
            if n == 100 {
                std::fs::rename(&path, folder.path().join("findings.1")).unwrap();
                outlet.reopen();
            }
            writeln!(spool, "{n}").unwrap();
            spool.flush().unwrap();
        }
        outlet.closing();
        drop(spool);
        assert!(outlet.wait());
        let both = ["findings.1", "findings"].map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
        assert!(!both[1].is_empty());
        let lines: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        assert_eq!(both.concat().lines().collect::<Vec<_>>(), lines);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_never_holds_up_whoever_reports_and_every_lost_line_is_counted() {
        let target = Target::File("/dev/full".into());
        let (mut spool, outlet) = Spool::open(target, false).unwrap();
        let begun = Instant::now();
        let lines = limits::SPOOLED as u64 + 100;
        let mut refused = 0;
        for _ in 0..lines {
            spool.write_all(b"line\n").unwrap();
            refused += u64::from(spool.flush().is_err());
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert!(refused >= 99, "{refused}");
        assert_eq!(outlet.lost(), refused);
        // The writer is a thread of its own, and its first try may be still to come.
        while !outlet.is_broken() && begun.elapsed() < FAREWELL {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(outlet.is_broken());
    }
}
