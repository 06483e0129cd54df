//! Every conversation of every fixture is held against every probe: no two may be certain of it.

use std::collections::BTreeMap;
use std::path::Path;

use plainsight::model::flow::{Flow, FlowId, Transport};
use plainsight::model::limits::OPENING_BYTES;
use plainsight::proto::{Opening, PROTOCOLS, Verdict};

use crate::support::{fixtures, steps};

#[test]
fn no_two_probes_are_certain_of_the_same_conversation() {
    let mut wrong = Vec::new();
    for (capture, _) in fixtures() {
        for (flow, sides) in openings(&capture) {
            for length in [16, 64, OPENING_BYTES] {
                let [to_server, to_client] = [&sides[0], &sides[1]].map(|side| &side[..side.len().min(length)]);
                let opening =
                    Opening { to_server, to_client, server_port: flow.server.port, midstream: false, ended: false };
                let certain: Vec<_> = PROTOCOLS
                    .iter()
                    .filter(|p| p.transport == flow.transport && (p.probe)(&opening) == Verdict::Certain)
                    .map(|p| p.name)
                    .collect();
                if certain.len() > 1 {
                    wrong.push(format!("{} flow {} at {length} bytes: {certain:?}", capture.display(), flow.id.0));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_probe_is_certain_of_noise_or_of_nothing() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(4096)
    .collect();
    for bytes in [&noise[..], &[], &[0; 64], &[0xff; 64], b"\r\n\r\n\r\n"] {
        for protocol in PROTOCOLS {
            let opening = |to_server, to_client| Opening {
                to_server,
                to_client,
                server_port: protocol.ports.first().copied().unwrap_or(1),
                midstream: false,
                ended: false,
            };
            for opening in [opening(bytes, &[]), opening(&[], bytes), opening(bytes, bytes)] {
                let verdict = (protocol.probe)(&opening);
                assert_ne!(verdict, Verdict::Certain, "{protocol:?} of {:?}", &bytes[..bytes.len().min(8)]);
            }
        }
    }
}

/// The first bytes of both directions of every TCP flow of a capture.
fn openings(path: &Path) -> Vec<(Flow, [Vec<u8>; 2])> {
    let mut kept: BTreeMap<FlowId, (Flow, [Vec<u8>; 2])> = BTreeMap::new();
    for (flow, _, direction, bytes, _) in steps(path) {
        let (_, sides) = kept.entry(flow.id).or_insert_with(|| (flow, [Vec::new(), Vec::new()]));
        let side = &mut sides[direction.index()];
        side.extend_from_slice(&bytes[..bytes.len().min(OPENING_BYTES.saturating_sub(side.len()))]);
    }
    kept.into_values().filter(|(flow, _)| flow.transport == Transport::Tcp).collect()
}
