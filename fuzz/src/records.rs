//! Inputs that are lists of records.

use libfuzzer_sys::fuzzer_mutate;

/// One record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub kind: u8,
    pub bytes: &'a [u8],
}

/// Cuts an input into its records.
pub fn records(mut rest: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let [kind, high, low, tail @ ..] = rest else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (bytes, after) = tail.split_at(length);
        rest = after;
        Some(Record { kind: *kind, bytes })
    })
}

/// Appends a record; what does not fit in one goes into further ones.
pub fn write(kind: u8, bytes: &[u8], into: &mut Vec<u8>) {
    for piece in bytes.chunks(0xffff) {
        into.push(kind);
        into.extend((piece.len() as u16).to_be_bytes());
        into.extend(piece);
    }
}

/// Mutates an input that has `head` bytes before its records: as plain bytes now and then, else in the
/// bytes of one record, or in the order, number and borders of the records.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, head: usize) -> usize {
    let mut random = Random(u64::from(seed) | 1 << 40);
    if size <= head + 3 || random.below(8) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut list: Vec<(u8, Vec<u8>)> = records(&data[head..size]).map(|r| (r.kind, r.bytes.to_vec())).collect();
    let at = random.below(list.len());
    match random.below(10) {
        0 if list.len() > 1 => drop(list.remove(at)),
        1 => list.insert(random.below(list.len() + 1), list[at].clone()),
        2 => {
            let other = random.below(list.len());
            list.swap(at, other);
        }
        3 if list[at].1.len() > 1 => {
            let cut = 1 + random.below(list[at].1.len() - 1);
            let rest = list[at].1.split_off(cut);
            list.insert(at + 1, (list[at].0, rest));
        }
        4 if at + 1 < list.len() => {
            let (_, next) = list.remove(at + 1);
            list[at].1.extend(next);
        }
        5 => list[at].0 ^= 1 << random.below(8),
        _ => {
            let bytes = &mut list[at].1;
            let length = bytes.len();
            bytes.resize(length + 64, 0);
            let capacity = bytes.len();
            let new = fuzzer_mutate(bytes, length, capacity);
            bytes.truncate(new);
        }
    }
    let mut out = data[..head].to_vec();
    for (kind, bytes) in &list {
        write(*kind, bytes, &mut out);
    }
    out.truncate(max_size);
    data[..out.len()].copy_from_slice(&out);
    out.len()
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}
