//! Packets as they pass an interface.
//!
//! libpcap's ring buffer in kernel memory takes what comes while the program is busy; what does not fit
//! the kernel drops and counts ([`Interface::drops`]). Nothing is ever sent.

mod error;
#[cfg(target_os = "linux")]
mod fanout;

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;

use pcap::{Active, Capture, Precision};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use error::{LiveError, Trouble};

use crate::model::packet::{FrameNo, LinkType, Mark, Packet};
use crate::model::time::Timestamp;

/// The kernel hands over a block of packets when it is full, or after so many milliseconds.
const BLOCK_MILLISECONDS: i32 = 20;

/// libpcap calls raw IP by its own number; files and the decoder by the registered one.
const DLT_RAW: i32 = 12;
const LINKTYPE_RAW: LinkType = LinkType(101);

/// Which packets of an interface are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Both ways.
    #[default]
    Both,
    /// What this machine receives.
    In,
    /// What it sends.
    Out,
}

/// How interfaces are listened to.
#[derive(Clone, Debug)]
pub struct Options {
    /// A libpcap filter expression, run in the kernel.
    pub filter: Option<String>,
    /// Also what is not addressed to this machine: what a mirror port is for.
    pub promiscuous: bool,
    /// Which direction.
    pub side: Side,
    /// Bytes of a packet that are captured.
    pub snap_len: u32,
    /// Bytes of the kernel's buffer, for each interface and lane.
    pub buffer_bytes: u32,
    /// How many lanes share each interface's packets, each connection on one of them.
    pub lanes: u16,
}

/// An interface that is listened to.
pub struct Interface {
    name: String,
    index: u32,
    options: Options,
    capture: Option<Capture<Active>>,
    link: LinkType,
    number: u64,
    /// Drops of the captures before, when it had gone away.
    before: Drops,
    /// Drops of this one, as last read.
    drops: Drops,
    absences: u64,
}

/// Packets that were not captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// For want of room in the buffer.
    pub kernel: u64,
    /// By the interface or its driver.
    pub interface: u64,
}

impl Interface {
    /// Opens an interface. `index`: its place in the list of inputs.
    pub fn open(name: &str, index: u32, options: &Options) -> Result<Self, LiveError> {
        let (capture, link) = start(name, index, options)?;
        let options = options.clone();
        let (before, drops) = (Drops::default(), Drops::default());
        let name = name.to_owned();
        Ok(Self { name, index, options, capture: Some(capture), link, number: 0, before, drops, absences: 0 })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its place in the list of inputs.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The descriptor it is read from, while it is there.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.capture.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// The next packet that is here. `None`: none is here now. An error: the interface is gone, and
    /// [`Self::reopen`] may find it back.
    #[inline]
    pub fn packet(&mut self) -> Result<Option<Packet<'_>>, LiveError> {
        let gone = |error: &pcap::Error| !matches!(error, pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets);
        let Some(capture) = &mut self.capture else { return Ok(None) };
        let packet = match capture.next_packet() {
            Ok(packet) => packet,
            Err(error) if gone(&error) => return Err(LiveError::new(&self.name, &error)),
            Err(_) => return Ok(None),
        };
        self.number += 1;
        let time = packet.header.ts;
        // Asked for in nanoseconds: what libpcap calls microseconds are those.
        let at = Timestamp::from_parts(time.tv_sec, time.tv_usec);
        let mark = Mark { frame: FrameNo { file: self.index, number: self.number }, at };
        Ok(Some(Packet { mark, link: self.link, bytes: packet.data, wire_len: packet.header.len, tap: self.index }))
    }

    /// What was dropped since it was first opened.
    pub fn drops(&mut self) -> Drops {
        if let Some(stats) = self.capture.as_mut().and_then(|capture| capture.stats().ok()) {
            // 32-bit counters that wrap.
            self.drops.kernel += u64::from(stats.dropped.wrapping_sub(self.drops.kernel as u32));
            self.drops.interface += u64::from(stats.if_dropped.wrapping_sub(self.drops.interface as u32));
        }
        Drops {
            kernel: self.before.kernel + self.drops.kernel,
            interface: self.before.interface + self.drops.interface,
        }
    }

    /// Puts a capture away whose interface has gone.
    pub fn lose(&mut self) {
        self.before = self.drops();
        self.drops = Drops::default();
        if self.capture.take().is_some() {
            self.absences += 1;
        }
    }

    /// Whether it is being listened to.
    pub const fn is_there(&self) -> bool {
        self.capture.is_some()
    }

    /// How many times it went away.
    pub const fn absences(&self) -> u64 {
        self.absences
    }

    /// Looks for an interface that had gone.
    pub fn reopen(&mut self) -> Result<(), LiveError> {
        let (capture, link) = start(&self.name, self.index, &self.options)?;
        self.capture = Some(capture);
        self.link = link;
        Ok(())
    }
}

/// Waits until one of the interfaces has packets, for `patience` at most.
pub fn wait(interfaces: &[Interface], patience: Duration) {
    let there = interfaces.iter().filter_map(|interface| interface.capture.as_ref());
    let mut fds: Vec<_> = there.map(|capture| PollFd::from_borrowed_fd(capture.as_fd(), PollFlags::IN)).collect();
    let patience = Timespec::try_from(patience).ok();
    // An interruption is as good as a packet: the caller looks what there is.
    let _ = poll(&mut fds, patience.as_ref());
}

fn start(name: &str, index: u32, options: &Options) -> Result<(Capture<Active>, LinkType), LiveError> {
    let failed = |error: pcap::Error| LiveError::new(name, &error);
    let capture = Capture::from_device(name).map_err(failed)?;
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let mut capture = capture
        .promisc(options.promiscuous)
        .snaplen(number(options.snap_len))
        .buffer_size(number(options.buffer_bytes))
        .timeout(BLOCK_MILLISECONDS)
        .precision(Precision::Nano)
        .open()
        .map_err(failed)?;
    if let Some(side) = match options.side {
        Side::Both => None,
        Side::In => Some(pcap::Direction::In),
        Side::Out => Some(pcap::Direction::Out),
    } {
        capture.direction(side).map_err(failed)?;
    }
    if let Some(filter) = &options.filter {
        capture.filter(filter, true).map_err(|error| LiveError::filter(name, filter, &error))?;
    }
    if options.lanes > 1 {
        join(&capture, index).map_err(|error| LiveError::fanout(name, &error))?;
    }
    let link = match capture.get_datalink().0 {
        DLT_RAW => LINKTYPE_RAW,
        other => LinkType(u16::try_from(other).unwrap_or(u16::MAX)),
    };
    Ok((capture.setnonblock().map_err(failed)?, link))
}

#[cfg(target_os = "linux")]
fn join(capture: &Capture<Active>, index: u32) -> std::io::Result<()> {
    fanout::join(capture.as_fd(), index)
}

#[cfg(not(target_os = "linux"))]
fn join(_: &Capture<Active>, _: u32) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
