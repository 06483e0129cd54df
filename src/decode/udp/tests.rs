use super::super::tests::{MACS, decoded, in_ip, packet, payload, refused, tcp_v4, tcp_v6, under, whole};
use super::super::{Decoder, Packet, Undecodable};

const VXLAN: [u8; 8] = [8, 0, 0, 0, 0, 0, 77, 0];

fn frame() -> Vec<u8> {
    under(&[&MACS[..], &[8, 0]].concat(), &tcp_v4())
}

fn datagram(port: u16, content: &[u8]) -> Vec<u8> {
    let length = (8 + content.len()) as u16;
    let header = [50_000_u16, port, length, 0].map(u16::to_be_bytes).concat();
    in_ip(17, &under(&header, content))
}

/// The destination port of a datagram that is taken for no tunnel, and how long its payload is.
fn ordinary(bytes: &[u8]) -> (u16, usize) {
    decoded(&packet(101, bytes), |segment| (segment.destination.port, segment.payload.len())).unwrap()
}

#[test]
fn every_tunnel_that_carries_frames_is_opened() {
    let wlan = |control: [u8; 2]| [&control[..], &[0; 22], &[0xaa, 0xaa, 3, 0, 0, 0]].concat();
    for (port, header) in [
        (4789, &VXLAN[..]),
        (8472, &[0x88, 0x08, 1, 2, 0, 0, 77, 0]),
        (4790, &[0x0c, 0, 0, 3, 0, 0, 77, 0]),
        (4790, &[0x0c, 0, 0, 4, 0, 0, 77, 0, 0, 2, 1, 3, 0, 0, 1, 255]),
        (6081, &[2, 0x40, 0x65, 0x58, 0, 0, 77, 0, 1, 2, 3, 1, 5, 5, 5, 5]),
        (4754, &[0x20, 0, 0x65, 0x58, 0, 0, 77, 0]),
        (37008, &[1, 0, 0, 1, 0, 10, 1, 0xd8, 1]),
        (2152, &[0x30, 255, 0, 59, 0, 0, 0, 9]),
        (5247, &[0, 0x10, 0x02, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(payload(101, &datagram(port, &under(header, &frame()))), whole(), "{port} {header:02x?}");
    }
    for (port, header, control) in [
        (5247, &[0, 0x10, 0x03, 0, 0, 0, 0, 0][..], [0x08, 0x01]),
        (5247, &[0, 0x18, 0x03, 0x10, 0, 0, 0, 0, 6, 0, 0, 0], [0x01, 0x08]),
        (37008, &[1, 0, 0, 18, 1], [0x08, 0x01]),
    ] {
        let inner = [header, &wlan(control), &[8, 0], &tcp_v4()].concat();
        assert_eq!(payload(101, &datagram(port, &inner)), whole(), "{port} {header:02x?}");
    }
}

#[test]
fn every_tunnel_that_carries_packets_is_opened() {
    let length = tcp_v4().len() as u8;
    for (port, header) in [
        (4790, &[0x0c, 0, 0, 1, 0, 0, 77, 0][..]),
        (6081, &[0, 0, 8, 0, 0, 0, 77, 0]),
        (4754, &[0, 0, 8, 0]),
        (6635, &[0, 0, 0x11, 64]),
        (2152, &[0x30, 255, 0, length, 0, 0, 0, 9]),
        (2152, &[0x34, 255, 0, length + 12, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 9, 0xc0, 1, 0, 9, 0]),
        (1701, &[0x00, 2, 0, 5, 0, 6, 0xff, 3, 0, 0x21]),
        (1701, &[0x4a, 2, 0, length + 18, 0, 5, 0, 6, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0x21]),
    ] {
        let bytes = datagram(port, &under(header, &tcp_v4()));
        assert_eq!(payload(101, &bytes), whole(), "{port} {header:02x?}");
    }
    let mut teredo = tcp_v6();
    teredo[8..12].copy_from_slice(&[0x20, 1, 0, 0]);
    let behind = [&[0, 1, 0, 0][..], &[7; 8], &[0], &[0, 0, 1, 2, 3, 4, 5, 6]].concat();
    assert_eq!(payload(101, &datagram(3544, &teredo)), whole());
    assert_eq!(payload(101, &datagram(3544, &under(&behind, &teredo))), whole());
    assert_eq!(ordinary(&datagram(3544, &tcp_v6())).0, 3544, "no address of Teredo");
}

#[test]
fn other_frames_in_a_tunnel_are_no_datagrams_of_their_own() {
    let arp = under(&MACS, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    assert_eq!(refused(101, &datagram(4789, &under(&VXLAN, &arp))), Undecodable::NOT_IP);
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    for port in [1701, 2152, 3544, 4754, 4789, 4790, 5247, 6081, 6635, 8472, 37008] {
        for content in [&[0; 100][..], &[0xff; 100], &[0x45; 100], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"", b"\x08"] {
            assert_eq!(ordinary(&datagram(port, content)), (port, content.len()), "{port} {content:02x?}");
        }
    }
    let mut wrong = under(&[0x30, 255, 0, 45, 0, 0, 0, 9], &tcp_v4());
    wrong[8 + 2] = 1;
    assert_eq!(ordinary(&datagram(2152, &wrong)), (2152, wrong.len()), "neither length nor checksum are right");
}

#[test]
fn what_a_snap_length_cut_inside_is_missing() {
    let bytes = datagram(4789, &under(&VXLAN, &frame()));
    let cut = Packet { bytes: &bytes[..bytes.len() - 2], ..packet(101, &bytes) };
    assert_eq!(decoded(&cut, |segment| segment.missing), Ok(2));
    let inside_a_header = Packet { bytes: &bytes[..60], ..packet(101, &bytes) };
    assert_eq!(decoded(&inside_a_header, |_| ()), Err(Undecodable::TRUNCATED));
}

#[test]
fn no_cut_and_no_changed_byte_can_hurt() {
    let wlan = [&[0x88, 0x03][..], &[0; 34], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &tcp_v4()].concat();
    for content in [
        datagram(2152, &[&[0x34, 255, 0, 57, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 9, 0][..], &tcp_v4()].concat()),
        datagram(5247, &under(&[0, 0x10, 0x03, 0, 0, 0, 0, 0], &wlan)),
        datagram(1701, &[&[0x4a, 2, 0, 63, 0, 5, 0, 6, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0x21][..], &tcp_v4()].concat()),
        datagram(4789, &under(&VXLAN, &frame())),
        in_ip(47, &[&[0x50, 0, 0x22, 0xeb, 0, 0, 0, 1, 0, 0, 0, 0][..], &[0; 12], &frame()].concat()),
    ] {
        for at in 0..content.len() {
            let _ = Decoder::default().decode(&packet(101, &content[..at]));
            let mut changed = content.clone();
            for value in [0, 1, 0x45, 0x7f, 0xff] {
                changed[at] = value;
                let _ = Decoder::default().decode(&packet(101, &changed));
            }
        }
    }
}
