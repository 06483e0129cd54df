//! The confined process: is confined, tries what it is told to, and says how it went.

use std::fs::{self, File};
use std::io::{self, BufRead};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use plainsight::sandbox::{self, Mode, Plan, SandboxError};

/// The argument that makes this program the confined process.
pub(crate) const ROLE: &str = "--inside";

/// What it says when the kernel cannot do everything.
pub(crate) const LACKING: &str = "lacking";

/// `--inside [user=NAME] [read=PATH]… [write=PATH]… [keep] [open=INTERFACE]`, then attempts from standard
/// input, one a line: an answer for each on standard output, `ok` or the error.
pub(crate) fn main() {
    let mut plan = Plan { mode: Mode::Require, ..Plan::default() };
    let mut capture = None;
    for argument in std::env::args().skip(2) {
        match argument.split_once('=').unwrap_or((&argument, "")) {
            ("user", name) => plan.user = Some(name.to_owned()),
            ("read", path) => plan.read.push(path.into()),
            ("write", path) => plan.write.push(path.into()),
            ("keep", _) => plan.keep_capture = true,
            ("open", name) => {
                let open = listen(name).expect("the interface opens");
                plan.capture.push(open.as_raw_fd());
                capture = Some(open);
            }
            other => panic!("{other:?}"),
        }
    }
    let (one, other) = UnixDatagram::pair().expect("a pair of sockets");
    match sandbox::enter(&plan) {
        Ok(in_force) => println!("{in_force}"),
        Err(SandboxError::Lacking(what)) => return println!("{LACKING} {}", what.join(", ")),
        Err(error) => return println!("{error}"),
    }
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (what, path) = line.split_once(' ').unwrap_or((&line, ""));
        let done = match what {
            "copy-descriptor" => copied(capture.as_ref()),
            "connect" => TcpStream::connect(path).map(drop),
            "connect-local" => UnixStream::connect(path).map(drop),
            "datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
            "list" => fs::read_dir(path).map(drop),
            "listen" => listen(path).map(drop),
            "read" => File::open(path).map(drop),
            "replace" => replace(path.into()),
            "run" => Command::new(path).status().map(drop),
            "send" => capture.as_mut().expect("opened").sendpacket([0u8; 60]).map_err(io::Error::other),
            "signal" => nix::sys::signal::kill(nix::unistd::getppid(), None).map_err(Into::into),
            "thread-read" => in_thread(path.into()),
            "wake" => one.send(b"wake").and_then(|_| other.recv(&mut [0; 4])).map(drop),
            "write" => fs::write(path, "written"),
            _ => panic!("{line}"),
        };
        println!("{}", done.map_or_else(|error| error.to_string(), |()| "ok".to_owned()));
    }
}

fn listen(interface: &str) -> io::Result<pcap::Capture<pcap::Active>> {
    pcap::Capture::from_device(interface)
        .and_then(|capture| capture.immediate_mode(true).open())
        .map_err(io::Error::other)
}

fn copied(capture: Option<&pcap::Capture<pcap::Active>>) -> io::Result<()> {
    capture.expect("opened").as_fd().try_clone_to_owned().map(drop)
}

/// A new file in the place of an old one, as reports are replaced.
fn replace(path: PathBuf) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, "new")?;
    fs::rename(&new, &path)?;
    fs::remove_file(path)
}

fn in_thread(path: PathBuf) -> io::Result<()> {
    let thread = thread::Builder::new().spawn(|| File::open(path).map(drop))?;
    thread.join().expect("no panic")
}
