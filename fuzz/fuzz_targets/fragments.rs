//! Arbitrary fragments of a few datagrams, of both IP versions, nested or not.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use plainsight::decode::Decoder;
use plainsight::model::packet::{FrameNo, LinkType, Mark, Packet};
use plainsight::model::time::Timestamp;

#[derive(Arbitrary, Debug)]
struct Fragment {
    six: bool,
    id: u8,
    number: Number,
    /// In units of eight bytes.
    offset: u16,
    more: bool,
    length: u16,
    fill: u8,
    /// Bytes that the snap length cut.
    cut: u8,
    seconds: u8,
    nested: bool,
}

#[derive(Arbitrary, Debug)]
enum Number {
    Tcp,
    Udp,
    Ipv4,
    Gre,
    Other(u8),
}

fuzz_target!(|fragments: Vec<Fragment>| {
    let mut decoder = Decoder::default();
    let mut seconds = 0;
    for (n, fragment) in fragments.iter().enumerate() {
        seconds += i64::from(fragment.seconds >> 4);
        let mut frame = fragment.frame();
        if fragment.nested {
            frame = in_ipv4(47, fragment.id, u16::from(fragment.fill) << 8, &[&[0, 0, 8, 0], &frame[..]].concat());
        }
        let kept = frame.len() - usize::from(fragment.cut & 31).min(frame.len());
        let mark = Mark {
            frame: FrameNo { file: 0, number: n as u64 + 1 },
            at: Timestamp::from_nanos(seconds * 1_000_000_000),
        };
        let packet = Packet { mark, link: LinkType(101), bytes: &frame[..kept], wire_len: frame.len() as u32, tap: 0 };
        if let Ok(Some(segment)) = decoder.decode(&packet) {
            assert!(segment.payload.len() + segment.missing as usize <= 0xffff);
        }
    }
    decoder.finish();
});

impl Fragment {
    fn frame(&self) -> Vec<u8> {
        let number = match self.number {
            Number::Tcp => 6,
            Number::Udp => 17,
            Number::Ipv4 => 4,
            Number::Gre => 47,
            Number::Other(number) => number,
        };
        let offset = self.offset & 0x1fff;
        let payload = vec![self.fill; usize::from(self.length & 0x7ff)];
        if !self.six {
            return in_ipv4(number, self.id, offset | u16::from(self.more) << 13, &payload);
        }
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16 + 8).to_be_bytes());
        packet.extend([44, 64]);
        packet.extend([0xfd; 32]);
        packet.extend([number, 0]);
        packet.extend((offset << 3 | u16::from(self.more)).to_be_bytes());
        packet.extend([0, 0, 0, self.id & 3]);
        packet.extend(payload);
        packet
    }
}

fn in_ipv4(number: u8, id: u8, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((payload.len() as u16 + 20).to_be_bytes());
    packet.extend([0, id & 3]);
    packet.extend(flags.to_be_bytes());
    packet.extend([64, number, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}
