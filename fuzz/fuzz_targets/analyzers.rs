//! Any records go straight to the analyzer that the first byte chooses: cuts, holes, one direction
//! alone, the middle of a conversation, whatever a probe would have kept from it.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use plainsight::model::flow::Direction;
use plainsight::model::limits;
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Gathered, Input, Origin, Stretch};
use plainsight::proto::{Opening, PROTOCOLS, Progress};
use plainsight_fuzz::records::{mutate, records};
use plainsight_fuzz::stage::Events;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { mutate(data, size, max_size, seed, 2) });

fuzz_target!(|data: &[u8]| {
    let [choice, options, rest @ ..] = data else { return };
    let protocol = PROTOCOLS[usize::from(*choice) % PROTOCOLS.len()];
    let (mut analyzer, mut events) = ((protocol.start)(), Events::default());
    let (mut sides, mut unwanted) = ([Gathered::default(), Gathered::default()], [0_u64; 2]);
    let mut probed = [Vec::new(), Vec::new()];
    for record in records(rest) {
        let direction = if record.kind & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let index = direction.index();
        let side = &mut sides[index];
        if record.kind & 0x80 != 0 {
            let missing = record.bytes.len() as u64 + 1;
            let within = unwanted[index].min(missing);
            unwanted[index] -= within;
            if missing > within {
                side.clear();
                analyzer.gap(direction, missing - within, &mut events);
            }
            continue;
        }
        if probed[index].len() < limits::OPENING_BYTES {
            probed[index].extend(record.bytes);
        }
        let passed = unwanted[index].min(record.bytes.len() as u64);
        unwanted[index] -= passed;
        let bytes = &record.bytes[passed as usize..];
        if bytes.is_empty() {
            continue;
        }
        let origins = [Origin { start: 0, mark: Mark::default() }];
        side.push_stretch(Stretch { bytes, origins: &origins });
        loop {
            let length = side.len();
            let progress = analyzer.data(Input { direction, data: side.stretch() }, &mut events);
            match progress {
                Progress::Continue(done) => {
                    assert!(done <= length, "{} is done with {done} of {length}", protocol.name);
                    side.consume(done);
                    break;
                }
                Progress::Skip(done, more) => {
                    assert!(done <= length, "{} is done with {done} of {length}", protocol.name);
                    side.consume(done);
                    let here = more.min(side.len() as u64);
                    side.consume(here as usize);
                    unwanted[index] = more - here;
                    if side.is_empty() {
                        break;
                    }
                }
                Progress::Handoff(..) | Progress::NotMine | Progress::Stop => return,
            }
        }
        if protocol.transport.is_datagram() {
            side.clear();
        }
        if side.len() > limits::PENDING_BYTES {
            let lost = side.len() as u64;
            side.clear();
            analyzer.gap(direction, lost, &mut events);
        }
    }
    let [to_server, to_client] = &sides;
    let left = [
        Input { direction: Direction::ToServer, data: to_server.stretch() },
        Input { direction: Direction::ToClient, data: to_client.stretch() },
    ];
    analyzer.end(left, &mut events);
    let opening = Opening {
        to_server: &probed[0],
        to_client: &probed[1],
        server_port: u16::from(*options),
        midstream: options & 1 != 0,
        ended: options & 2 != 0,
    };
    for protocol in PROTOCOLS {
        let _ = (protocol.probe)(&opening);
    }
});
