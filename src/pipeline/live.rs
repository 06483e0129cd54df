//! The capture thread of live interfaces.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::batch::Batcher;
use super::lane::{Counted, Lane};
use super::settings::Controls;
use super::worker::Report;
use crate::model::flow::FlowId;
use crate::model::limits::Limits;
use crate::model::summary::{CaptureFile, Note};
use crate::model::time::Timestamp;
use crate::source::live::{self, Drops, Interface, LiveError};

/// How long a thread waits for packets before it looks what else there is to do: longer than the kernel
/// keeps a block open.
const PATIENCE: Duration = Duration::from_millis(50);

/// Packets that are read of one interface before the next has its turn.
const BURST: usize = 1024;

/// How long the workers wait at most for what has been read, under load too.
const FRESH: Duration = Duration::from_millis(20);

/// How often a lane tells what it has counted, and looks for interfaces that have gone.
const SECOND: Duration = Duration::from_secs(1);

/// Flows of different lanes have numbers of their own.
const LANE_BITS: u32 = 56;

/// What a lane has seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneSeen {
    pub(super) counted: Counted,
    /// One for each interface, in their order.
    pub(super) files: Vec<CaptureFile>,
    pub(super) drops: Drops,
    pub(super) notes: Vec<Note>,
}

struct Listener<'a> {
    number: usize,
    interfaces: Vec<Interface>,
    files: Vec<CaptureFile>,
    lane: Lane,
    reports: &'a Sender<Report>,
}

/// Listens until told to stop.
pub(super) fn run(
    number: usize,
    interfaces: Vec<Interface>,
    limits: &Limits,
    batcher: Batcher,
    controls: &Controls,
    reports: &Sender<Report>,
) {
    let first = FlowId((number as u64) << LANE_BITS);
    let file = |i: &Interface| CaptureFile { name: i.name().to_owned(), ..CaptureFile::default() };
    let files = interfaces.iter().map(file).collect();
    let mut lane = Lane::new(limits, batcher, first);
    // Taps of one link see its packets twice, as do a bridge and its ports.
    if interfaces.len() > 1 || interfaces.iter().any(|interface| interface.name() == "any") {
        lane.expect_copies();
    }
    let mut listener = Listener { number, interfaces, files, lane, reports };
    let (mut told, mut flushed) = (Instant::now(), Instant::now());
    while !controls.stop.load(Ordering::Relaxed) {
        let any = listener.round();
        if !any || flushed.elapsed() >= FRESH {
            listener.lane.flush();
            flushed = Instant::now();
        }
        if told.elapsed() >= SECOND {
            told = Instant::now();
            listener.look_for_the_lost();
            listener.tell(listener.lane.counted());
        }
        if !any {
            live::wait(&listener.interfaces, PATIENCE);
            listener.lane.idle(now());
        }
    }
    // What the kernel has taken in before the stop is read to its end: it may still hold an open block.
    let end = Instant::now() + SECOND;
    loop {
        let any = listener.round() || {
            live::wait(&listener.interfaces, PATIENCE);
            listener.round()
        };
        if !any || Instant::now() > end {
            break;
        }
    }
    let (drops, notes) = listener.state();
    let Listener { number, files, lane, reports, .. } = listener;
    let seen = LaneSeen { counted: lane.finish(), files, drops, notes };
    // The collector outlives the capture threads.
    let _ = reports.send(Report::Seen(number, Box::new(seen)));
}

impl Listener<'_> {
    /// Reads what each interface has. Whether there was anything.
    fn round(&mut self) -> bool {
        let mut any = false;
        for (interface, file) in self.interfaces.iter_mut().zip(&mut self.files) {
            for _ in 0..BURST {
                match interface.packet() {
                    Ok(Some(packet)) => {
                        self.lane.packet(&packet, file);
                        any = true;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        interface.lose();
                        tell_of_loss(self.reports, &error);
                        break;
                    }
                }
            }
        }
        any
    }

    fn look_for_the_lost(&mut self) {
        for interface in &mut self.interfaces {
            if !interface.is_there() && interface.reopen().is_ok() {
                let message = format!("{}: back again", interface.name());
                let _ = self.reports.send(Report::Message(message));
            }
        }
    }

    fn tell(&mut self, counted: Counted) {
        let (drops, notes) = self.state();
        let seen = LaneSeen { counted, files: self.files.clone(), drops, notes };
        let _ = self.reports.send(Report::Seen(self.number, Box::new(seen)));
    }

    fn state(&mut self) -> (Drops, Vec<Note>) {
        let (mut drops, mut notes) = (Drops::default(), Vec::new());
        for interface in &mut self.interfaces {
            let here = interface.drops();
            drops.kernel += here.kernel;
            drops.interface += here.interface;
            if interface.absences() > 0 {
                let message = "the interface went away: what passed meanwhile was not seen".to_owned();
                notes.push(Note { file: interface.name().to_owned(), message, count: interface.absences() });
            }
        }
        (drops, notes)
    }
}

fn tell_of_loss(reports: &Sender<Report>, error: &LiveError) {
    let _ = reports.send(Report::Message(format!("{error}; waiting for it to come back")));
}

/// The time as the kernel stamps packets with it: no verdict depends on it, only when silent flows end.
fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
