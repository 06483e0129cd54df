//! Tells text from binary content by its first bytes.

/// How many bytes are looked at.
const SAMPLE: usize = 1024;

/// Whether bytes are text somebody can read: UTF-8 or an 8-bit charset with few control characters.
pub fn is_text(bytes: &[u8]) -> bool {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let control = sample.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    let high = sample.iter().filter(|b| **b >= 0x80).count();
    if control * 32 > sample.len() {
        return false;
    }
    high * 10 < sample.len() * 3 || mostly_utf8(sample)
}

/// Whether bytes are as even as encrypted or compressed ones: at least 256 bytes with more than 7 bits
/// of entropy a byte (256 random bytes have about 7.2).
pub fn looks_encrypted(bytes: &[u8]) -> bool {
    let sample = bytes.get(..4 * SAMPLE).unwrap_or(bytes);
    if sample.len() < 256 {
        return false;
    }
    let mut counts = [0u32; 256];
    for byte in sample {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = sample.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| {
            let share = f64::from(*c) / total;
            -share * share.log2()
        })
        .sum();
    entropy > 7.0
}

fn mostly_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A character cut at the end of the sample is no fault.
        Err(error) => error.valid_up_to() + 4 > bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_any_language_is_text() {
        assert!(is_text("Пароль: не скажу\r\n".as_bytes()));
        assert!(is_text(b"GET / HTTP/1.1\r\n"));
        assert!(!is_text(&[0, 1, 2, 3, b'a', b'b', 0, 0]));
    }

    #[test]
    fn only_even_bytes_look_encrypted() {
        let even: Vec<u8> = (0..1024u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(looks_encrypted(&even));
        assert!(!looks_encrypted("the quick brown fox ".repeat(50).as_bytes()));
    }
}
