//! Where reports are written, whole lines at a time.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// Text that is held back until there is so much of it.
const CHUNK: usize = 64 << 10;

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("standard output"),
        }
    }
}

/// Writes to a target, a file from its beginning. Only whole lines get there: what a full disk has no room
/// for leaves no half one.
pub struct WholeLines {
    out: Out,
    text: Vec<u8>,
}

impl WholeLines {
    /// Opens the target. `private`: it will hold clear secrets; a new file is its owner's alone.
    pub fn create(target: &Target, private: bool) -> io::Result<Self> {
        Ok(Self { out: Out::open(target, private, true)?, text: Vec::new() })
    }
}

impl Write for WholeLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        if self.text.len() >= CHUNK
            && let Some(end) = self.text.iter().rposition(|b| *b == b'\n')
        {
            let rest = self.text.split_off(end + 1);
            let lines = std::mem::replace(&mut self.text, rest);
            self.out.put(&lines)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        self.out.put(&text)
    }
}

/// An open target.
pub(super) enum Out {
    File(File),
    Stdout(io::Stdout),
}

impl Out {
    /// Opens a target; a file is added to.
    #[cfg(all(feature = "live", unix))]
    pub(super) fn append(target: &Target, private: bool) -> io::Result<Self> {
        Self::open(target, private, false)
    }

    fn open(target: &Target, private: bool, anew: bool) -> io::Result<Self> {
        let Target::File(path) = target else { return Ok(Self::Stdout(io::stdout())) };
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = private;
        let file = options.open(path)?;
        // Devices and pipes have no length to cut.
        if anew && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        Ok(Self::File(file))
    }

    /// Writes all of a text or, in a file, nothing of it: a full disk leaves no half line.
    pub(super) fn put(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(out) => {
                out.write_all(text)?;
                out.flush()
            }
            Self::File(file) => {
                let mut written = 0;
                while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
                    match file.write(rest) {
                        Ok(more) if more > 0 => written += more,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        failed => {
                            if let Ok(meta) = file.metadata()
                                && meta.is_file()
                            {
                                let _ = file.set_len(meta.len().saturating_sub(written as u64));
                            }
                            return Err(failed.err().unwrap_or_else(|| io::ErrorKind::WriteZero.into()));
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_over_an_older_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::fs::write(&path, "old").unwrap();
        let target = Target::File(path.clone());
        let mut lines = WholeLines::create(&target, true).unwrap();
        let line = [b"x".repeat(99), b"\n".to_vec()].concat();
        for _ in 0..2000 {
            lines.write_all(&line).unwrap();
        }
        let so_far = std::fs::read(&path).unwrap();
        assert!(so_far.len() > 100_000 && so_far.ends_with(b"\n"), "{}", so_far.len());
        lines.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), line.repeat(2000));
    }
}
