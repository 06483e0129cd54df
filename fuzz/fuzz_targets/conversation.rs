//! Any conversation, in any order and with any gaps, goes through classification, analysis and the
//! rules without harm.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use plainsight::model::flow::{Direction, Roles, Transport};
use plainsight::model::packet::Mark;
use plainsight::model::stream::{Origin, Stretch};
use plainsight::proto::session::Session;
use plainsight_fuzz::records::{mutate, records};
use plainsight_fuzz::stage::{Rules, flow};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| { mutate(data, size, max_size, seed, 1) });

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let transport = if first & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    let roles = if first & 2 == 0 { Roles::Handshake } else { Roles::Guessed };
    let mut session = Session::new(flow(transport, roles), roles == Roles::Guessed);
    let mut rules = Rules::default();
    for record in records(rest) {
        let direction = if record.kind & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        if record.kind & 0x80 != 0 {
            session.gap(direction, record.bytes.len() as u64, &mut rules);
        } else {
            let origins = [Origin { start: 0, mark: Mark::default() }];
            session.data(direction, Stretch { bytes: record.bytes, origins: &origins }, &mut rules);
        }
    }
    session.end(&mut rules);
});
