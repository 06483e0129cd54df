//! From the paths that were typed to the captures that are read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::source::{self, Input, Why};

/// How deep directories are followed into each other.
const DEPTH: usize = 16;

/// The captures that `paths` mean: files as they are, `-` for standard input, what looks like a
/// capture in a directory (by its content, in order of name), and patterns the shell did not expand.
pub(super) fn collect(paths: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if inputs.contains(&Input::Stdin) {
                bail!("`-` is given twice, and standard input can be read only once");
            }
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let before = inputs.len();
            directory(path, DEPTH, &mut inputs)?;
            if inputs.len() == before {
                bail!("{}: no packet capture in this directory", path.display());
            }
        } else if !path.exists()
            && let Some(found) = pattern(path)
        {
            inputs.extend(found.into_iter().map(Input::Path));
        } else {
            inputs.push(Input::Path(path.clone()));
        }
    }
    Ok(inputs)
}

fn directory(path: &Path, depth: usize, inputs: &mut Vec<Input>) -> Result<()> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    for entry in sorted(path).with_context(|| format!("cannot read the directory {}", path.display()))? {
        if entry.is_dir() {
            directory(&entry, depth, inputs)?;
            continue;
        }
        // A FIFO or a device would have to be waited for.
        if !entry.is_file() {
            continue;
        }
        let input = Input::Path(entry);
        match source::open(&input, 0) {
            Err(error) if matches!(error.why, Why::NotACapture(_) | Why::Empty) => {}
            // What cannot be opened is told when it is read, with the others.
            Ok(_) | Err(_) => inputs.push(input),
        }
    }
    Ok(())
}

/// Files that fit a pattern (`day-*.pcap`, `**/*.pcap`), in order of name, if it is one and any do.
fn pattern(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|pattern| pattern.contains(['*', '?', '[']))?;
    let found: Vec<PathBuf> = glob::glob(pattern).ok()?.flatten().filter(|file| !file.is_dir()).collect();
    (!found.is_empty()).then_some(found)
}

fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a pcap file without packets: version 2.4, Ethernet.
    const CAPTURE: [u8; 24] =
        [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];

    fn names(inputs: &[Input]) -> Vec<String> {
        let name = |input: &Input| match input {
            Input::Path(path) => path.file_name().unwrap().to_str().unwrap().to_owned(),
            Input::Stdin => "-".to_owned(),
        };
        inputs.iter().map(name).collect()
    }

    #[test]
    fn a_directory_is_its_captures_in_order_of_name_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.bin"), CAPTURE).unwrap();
        fs::write(folder.path().join("notes.pcap"), "not a capture").unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/z.pcap"), CAPTURE).unwrap();
        let found = collect(&[folder.path().to_owned()]).unwrap();
        assert_eq!(names(&found), ["z.pcap", "b.bin"]);
    }

    #[test]
    fn a_directory_without_captures_is_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let error = collect(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.ends_with("no packet capture in this directory"), "{error}");
    }

    #[test]
    fn a_pattern_the_shell_left_alone_is_expanded() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["day-2.pcap", "day-1.pcap", "night.pcap"] {
            fs::write(folder.path().join(name), CAPTURE).unwrap();
        }
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/day-3.pcap"), CAPTURE).unwrap();
        let found = |pattern: &str| names(&collect(&[folder.path().join(pattern)]).unwrap());
        assert_eq!(found("day-*.pcap"), ["day-1.pcap", "day-2.pcap"]);
        assert_eq!(found("day-?.pcap"), ["day-1.pcap", "day-2.pcap"]);
        assert_eq!(found("day-[2-9].pcap"), ["day-2.pcap"]);
        assert_eq!(found("**/day-*.pcap"), ["day-1.pcap", "day-2.pcap", "day-3.pcap"]);
    }
}
