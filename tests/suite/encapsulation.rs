//! Whatever a conversation is wrapped in, it says what it says bare. The captures are made here, out of
//! fixtures: each of their IP packets is wrapped, as IPv4 and as IPv6, in every encapsulation.

mod sctp;
mod wrap;

use std::path::{Path, PathBuf};
use std::process::Command;

use plainsight::source::{self, Input};
use serde_json::Value;

use self::wrap::{ENCAPSULATIONS, six};
use crate::support::{How, of_type, read};

const CONVERSATIONS: [(&str, &str); 3] = [
    ("http/basic-rejected-then-accepted", "http"),
    ("postgresql/cleartext-accepted", "pgsql"),
    ("tls/cert-expired", "tls"),
];

#[test]
fn every_encapsulation_says_what_the_bare_capture_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (name, _) in CONVERSATIONS {
        for version in [4, 6] {
            let packets = packets(name, version);
            let bare = folder.path().join("bare.pcap");
            write(&bare, 101, packets.iter().cloned());
            let wanted = essence(&read(&[&bare], How::default()));
            assert!(!wanted.is_empty(), "{name} says nothing");
            for encapsulation in ENCAPSULATIONS.iter().filter(|e| e.carries(version)) {
                let path = folder.path().join("wrapped.pcap");
                write(&path, encapsulation.link, packets.iter().map(|packet| (encapsulation.wrap)(packet)));
                let said = read(&[&path], How::default());
                tried += 1;
                let what = format!("{name} over IPv{version} in {}", encapsulation.name);
                if essence(&said) != wanted {
                    wrong.push(what);
                } else if tunnels(&said) != encapsulation.tunnel {
                    wrong.push(format!("{what}: in {:?}", tunnels(&said)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_same_addresses_in_two_networks_do_not_mix() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("two.pcap");
    let packets = packets(CONVERSATIONS[0].0, 4);
    let twice = packets.iter().flat_map(|packet| [7, 8].map(|network| wrap::vxlan(network, packet)));
    write(&path, 1, twice);
    let said = read(&[&path], How::default());
    let link = &of_type(&said, "link")[0];
    assert_eq!(link["tunnels"], serde_json::json!(["vxlan 7", "vxlan 8"]));
    assert_eq!(link["flows"], 4, "two connections in each");
    assert_eq!(of_type(&said, "summary")[0]["streams"]["retransmitted_bytes"], 0);
}

#[test]
fn findings_name_the_tunnel_they_were_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tunnel.pcap");
    let packets = packets(CONVERSATIONS[0].0, 4);
    write(&path, 1, packets.iter().map(|packet| wrap::vxlan(7, packet)));
    let said = of_type(&read(&[&path], How::default()), "finding");
    assert!(!said.is_empty() && said.iter().all(|finding| finding["tunnel"] == "vxlan 7"));
}

#[test]
fn a_login_to_a_network_is_found_wherever_ppp_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ppp.pcap");
    let request = [0xc0, 0x23, 1, 7, 0, 16, 3, b'e', b'v', b'a', 7, b'k', b'3', b'y', b'-', b'P', b'w', b'd'];
    let accepted = [0xc0, 0x23, 2, 7, 0, 5, 0];
    for (name, link, wrap) in wrap::PPP {
        write(&path, link, [wrap(true, &request), wrap(false, &accepted)].into_iter());
        let said = read(&[&path], How::default());
        let findings = of_type(&said, "finding");
        let login = findings.iter().find(|finding| finding["kind"] == "cred.password").expect(name);
        assert_eq!((&login["username"], &login["outcome"]), (&"eva".into(), &"accepted".into()), "{name}");
        assert_eq!((&login["transport"], &login["protocol"]), (&"ppp".into(), &"pap".into()), "{name}");
    }
}

#[test]
fn what_is_said_over_sctp_is_what_is_said_over_tcp() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sctp.pcap");
    for (name, _) in CONVERSATIONS {
        for version in [4, 6] {
            let packets = packets(name, version);
            write(&path, 101, packets.iter().cloned());
            let over_tcp = transportless(essence(&read(&[&path], How::default())));
            for in_udp in [false, true] {
                write(&path, 101, sctp::instead(&packets, in_udp).into_iter());
                let said = read(&[&path], How::default());
                assert_eq!(of_type(&said, "link")[0]["transport"], "sctp");
                assert_eq!(transportless(essence(&said)), over_tcp, "{name} over IPv{version}, in UDP: {in_udp}");
            }
        }
    }
}

/// Without what names the transport, or is a digest of its name, and when the last packet came: TCP
/// acknowledges the end once more.
fn transportless(mut lines: Vec<Value>) -> Vec<Value> {
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        for name in ["community_id", "id", "last_seen", "transport"] {
            line.remove(name);
        }
    }
    lines.sort_by_cached_key(Value::to_string);
    lines
}

/// Another decoder sees the same in what is made here. Said aloud where that is not installed.
#[test]
#[ignore = "takes a minute, and changes only with what is made here"]
fn others_read_these_captures_too() {
    if Command::new("tshark").arg("-v").output().is_err() {
        eprintln!("skipped: tshark is not here");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wrong = Vec::new();
    let (name, innermost) = CONVERSATIONS[0];
    for version in [4, 6] {
        let packets = packets(name, version);
        for encapsulation in ENCAPSULATIONS.iter().filter(|e| e.carries(version)) {
            let path = folder.path().join("wrapped.pcap");
            write(&path, encapsulation.link, packets.iter().map(|packet| (encapsulation.wrap)(packet)));
            let layers = layers(&path, encapsulation.tshark);
            if !layers.lines().any(|line| line.split(':').any(|layer| layer == innermost)) {
                let first = layers.lines().next().unwrap_or_default();
                wrong.push(format!("IPv{version} in {}: {first}", encapsulation.name));
            }
        }
    }
    for in_udp in [false, true] {
        let path = folder.path().join("sctp.pcap");
        write(&path, 101, sctp::instead(&packets(name, 4), in_udp).into_iter());
        let layers = layers(&path, &["-d", "sctp.port==80,http"]);
        if !layers.lines().any(|line| line.contains("sctp") && line.contains("http")) {
            wrong.push(format!("SCTP, in UDP {in_udp}: {layers}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn layers(path: &Path, told: &[&str]) -> String {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(path).args(["-T", "fields", "-e", "frame.protocols"]).args(told);
    String::from_utf8_lossy(&tshark.output().expect("tshark runs").stdout).into_owned()
}

/// The IP packets of a fixture, which come in Ethernet frames, as IPv4 or IPv6.
fn packets(name: &str, version: u8) -> Vec<Vec<u8>> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).with_extension("pcap");
    let mut source = source::open(&Input::Path(path), 0).expect("a fixture can be read");
    let mut packets = Vec::new();
    while let Some(packet) = source.next().expect("a fixture can be read") {
        assert_eq!(packet.link.0, 1);
        if packet.bytes[12..14] == [8, 0] {
            let length = usize::from(u16::from_be_bytes([packet.bytes[16], packet.bytes[17]]));
            packets.push(wrap::four(&packet.bytes[14..14 + length]));
        }
    }
    if version == 6 { packets.iter().map(|packet| six(packet)).collect() } else { packets }
}

/// Writes a capture with a millisecond between packets.
fn write(path: &Path, link: u32, frames: impl Iterator<Item = Vec<u8>>) {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x0004_0000, link] {
        file.extend(word.to_le_bytes());
    }
    for (n, frame) in frames.enumerate() {
        let length = frame.len() as u32;
        for word in [1_700_000_000 + n as u32 / 1000, n as u32 % 1000 * 1000, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    std::fs::write(path, file).expect("writable");
}

/// Findings, links and handshakes without what a wrapper changes: packets and times.
fn essence(ndjson: &str) -> Vec<Value> {
    let mut lines: Vec<Value> = ["finding", "link", "tls"].iter().flat_map(|t| of_type(ndjson, t)).collect();
    for line in &mut lines {
        if let Some(object) = line.as_object_mut() {
            object.remove("tunnels");
            object.remove("tunnel");
            if let Some(evidence) = object.get_mut("evidence").and_then(Value::as_object_mut) {
                evidence.remove("file");
            }
        }
    }
    lines
}

/// The tunnels of the first link.
fn tunnels(ndjson: &str) -> Option<String> {
    of_type(ndjson, "link")[0]["tunnels"].as_array().map(|all| {
        let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
        all.join(", ")
    })
}
