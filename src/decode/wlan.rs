//! IEEE 802.11, and the headers that capturing systems put before it.

use super::{Layer, Undecodable, Walk};

/// How a frame came to us.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// The header is padded to a multiple of four.
    pub(super) padded: bool,
    /// The two bytes of frame control are swapped, as Cisco does in CAPWAP.
    pub(super) swapped: bool,
}

/// <https://www.radiotap.org>: a header with its length and, among its fields, flags.
pub(super) fn radiotap(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const PADDED: u8 = 0x20;
    const BAD_CHECKSUM: u8 = 0x40;
    let &[version, _, l0, l1] = walk.bytes.first_chunk().ok_or(Undecodable::TRUNCATED)?;
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if version != 0 || length < 8 {
        return Err(Undecodable::MALFORMED);
    }
    let flags = radiotap_flags(walk.bytes.get(..length).ok_or(Undecodable::TRUNCATED)?).unwrap_or(0);
    walk.skip(length);
    if flags & BAD_CHECKSUM != 0 {
        return Err(Undecodable::WLAN_DAMAGED);
    }
    Ok(Layer::Wlan(Form { padded: flags & PADDED != 0, swapped: false }))
}

/// Each bit of the first word says that a field is there; its highest, that another word follows.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    const TIME: u8 = 1;
    const FLAGS: u8 = 2;
    let words = header.get(4..)?.as_chunks::<4>().0;
    let [present, ..] = *words.first()?;
    let more = words.iter().take_while(|word| word[3] & 0x80 != 0).count();
    let fields = 8 + 4 * more;
    let flags = if present & TIME != 0 { fields.next_multiple_of(8) + 8 } else { fields };
    header.get(flags).copied().filter(|_| present & FLAGS != 0)
}

/// LINKTYPE_IEEE802_11_PRISM in the byte order of the capturing system, or LINKTYPE_IEEE802_11_AVS.
pub(super) fn prism(walk: &mut Walk<'_>) -> Result<Layer, Undecodable> {
    const AVS: [u8; 3] = [0x80, 0x21, 0x10];
    let &[m0, m1, m2, _, l0, l1, l2, l3] = walk.bytes.first_chunk().ok_or(Undecodable::TRUNCATED)?;
    let length = [l0, l1, l2, l3];
    let big = [m0, m1, m2] == AVS || m0 == 0;
    let length = if big { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
    walk.skip(length as usize);
    Ok(Layer::WLAN)
}

/// A data frame that is not encrypted, up to its LLC header.
pub(super) fn frame(walk: &mut Walk<'_>, form: Form) -> Result<Layer, Undecodable> {
    const KIND: u8 = 0x0f;
    const DATA: u8 = 0x08;
    const NULL: u8 = 0x40;
    const QOS: u8 = 0x80;
    const BOTH_WAYS: u8 = 0x03;
    const MORE_FRAGMENTS: u8 = 0x04;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;
    const PADDING: usize = 3;
    const CHECKSUM: usize = 4;

    let &first = walk.bytes.first_chunk().ok_or(Undecodable::TRUNCATED)?;
    let [kind, flags] = if form.swapped { [first[1], first[0]] } else { first };
    if kind & KIND != DATA || kind & NULL != 0 {
        return Err(Undecodable::NOT_IP);
    }
    if flags & PROTECTED != 0 {
        return Err(Undecodable::WLAN_PROTECTED);
    }
    let [.., sequence, _] = *walk.take::<24>()?;
    if flags & MORE_FRAGMENTS != 0 || sequence & 0x0f != 0 {
        return Err(Undecodable::WLAN_FRAGMENT);
    }
    let mut header = 24;
    if flags & BOTH_WAYS == BOTH_WAYS {
        walk.skip(6);
        header += 6;
    }
    let mut aggregate = false;
    if kind & QOS != 0 {
        let [control, _] = *walk.take()?;
        aggregate = control & AGGREGATE != 0;
        let high_throughput = if flags & ORDER != 0 { 4 } else { 0 };
        walk.skip(high_throughput);
        header += 2 + high_throughput;
    }
    if form.padded {
        walk.skip(header.next_multiple_of(4) - header);
    }
    if aggregate {
        // Frames in a frame, each with addresses, a length and padding. One alone can be followed.
        let [.., high, low] = *walk.take::<14>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if walk.wire_len > length + PADDING + CHECKSUM {
            return Err(Undecodable::WLAN_AGGREGATE);
        }
        walk.limit(length.min(walk.wire_len));
    }
    Ok(Layer::Llc)
}

#[cfg(test)]
mod tests {
    use super::super::Undecodable;
    use super::super::tests::{payload, refused, tcp_v4, under, whole};

    const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];

    /// The header of a frame with so many bytes behind its three addresses.
    fn header(kind: u8, flags: u8, more: &[u8]) -> Vec<u8> {
        [&[kind, flags, 0, 0][..], &[7; 18], &[0x10, 0], more].concat()
    }

    #[test]
    fn data_frames_of_every_form_lead_to_the_payload() {
        for header in [
            header(0x08, 0x01, &[]),
            header(0x08, 0x03, &[7; 6]),
            header(0x88, 0x02, &[0, 0]),
            header(0x88, 0x03, &[7, 7, 7, 7, 7, 7, 0, 0]),
            header(0x88, 0x82, &[0, 0, 1, 2, 3, 4]),
        ] {
            let frame = under(&header, &under(&SNAP, &tcp_v4()));
            assert_eq!(payload(105, &frame), whole(), "{header:02x?}");
            let tap = [0, 0, 9, 0, 0x02, 0, 0, 0, 0x10];
            assert_eq!(payload(127, &under(&tap, &under(&frame, &[1, 2, 3, 4]))), whole());
        }
    }

    #[test]
    fn radiotap_flags_are_found_behind_a_time_and_more_words() {
        let header = header(0x88, 0x02, &[0, 0]);
        let padded = under(&header, &under(&[0, 0], &under(&SNAP, &tcp_v4())));
        let tap = [&[0, 0, 25, 0, 0x03, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0][..], &[9; 8], &[0x20]].concat();
        assert_eq!(payload(127, &under(&tap, &padded)), whole());
        let damaged = [&tap[..24], &[0x40]].concat();
        assert_eq!(refused(127, &under(&damaged, &padded)), Undecodable::WLAN_DAMAGED);
    }

    #[test]
    fn one_frame_in_an_aggregate_is_followed_and_several_are_counted() {
        let inner = under(&SNAP, &tcp_v4());
        let sub = |length: usize| under(&[&[7; 12][..], &(length as u16).to_be_bytes()].concat(), &inner);
        let header = header(0x88, 0x01, &[0x80, 0]);
        assert_eq!(payload(105, &under(&header, &sub(inner.len()))), whole());
        let two = [sub(inner.len()), vec![0; 3], sub(inner.len())].concat();
        assert_eq!(refused(105, &under(&header, &two)), Undecodable::WLAN_AGGREGATE);
    }

    #[test]
    fn what_is_no_clear_data_says_why() {
        assert_eq!(refused(105, &header(0x80, 0, &[0; 40])), Undecodable::NOT_IP);
        assert_eq!(refused(105, &header(0x48, 0, &[])), Undecodable::NOT_IP);
        assert_eq!(refused(105, &header(0x08, 0x41, &[0; 40])), Undecodable::WLAN_PROTECTED);
        assert_eq!(refused(105, &header(0x08, 0x05, &[0; 40])), Undecodable::WLAN_FRAGMENT);
    }
}
