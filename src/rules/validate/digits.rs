//! The arithmetic of check digits.

/// The digits of a value; `None` when it holds anything else.
pub(super) fn digits(value: &[u8]) -> Option<Vec<u32>> {
    value.iter().map(|b| char::from(*b).to_digit(10)).collect()
}

/// The digits of a value of exactly `count` of them.
pub(super) fn exactly(value: &[u8], count: usize) -> Option<Vec<u32>> {
    digits(value).filter(|d| d.len() == count)
}

/// The sum of digits times weights, over the shorter of the two.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// Luhn's check (ISO/IEC 7812-1 annex B).
pub(super) fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, d)| match n % 2 {
            0 => *d,
            _ => (d * 2) / 10 + (d * 2) % 10,
        })
        .sum();
    digits.len() > 1 && sum.is_multiple_of(10)
}

/// ISO 7064 MOD 11,10 over all digits, the check digit last.
pub(super) fn mod_11_10(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// The remainder of the number the digits write.
pub(super) fn remainder(digits: &[u32], modulus: u64) -> u64 {
    digits.iter().fold(0, |rest, d| (rest * 10 + u64::from(*d)) % modulus)
}

/// Verhoeff's check: the dihedral group of the pentagon.
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    // The permutation of one place; place n applies it n times.
    let turn = |d: u32| [1u32, 5, 7, 6, 2, 8, 3, 0, 9, 4].get(d as usize).copied().unwrap_or(0);
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let turned = (0..place % 8).fold(*digit, |d, _| turn(d));
        product(sum, turned)
    });
    sum == 0
}

/// Whether a month and a day exist.
pub(super) const fn date(month: u32, day: u32) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    day >= 1 && day <= last
}

/// The number that the digits from `start` to `end` write.
pub(super) fn number(digits: &[u32], start: usize, end: usize) -> u32 {
    digits.get(start..end).unwrap_or_default().iter().fold(0, |n, d| n.wrapping_mul(10).wrapping_add(*d))
}

/// Whether all digits are the same.
pub(super) fn uniform(digits: &[u32]) -> bool {
    digits.windows(2).all(|pair| pair.first() == pair.last())
}

/// 0-9 for digits, 10-35 for letters.
pub(super) fn base36(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_accept_published_numbers_and_refuse_a_changed_digit() {
        let d = |text: &str| digits(text.as_bytes()).unwrap();
        assert!(luhn(&d("4111111111111111")) && !luhn(&d("4111111111111112")));
        assert!(mod_11_10(&d("86095742719")) && !mod_11_10(&d("86095742718")));
        assert!(verhoeff(&d("999941057058")) && !verhoeff(&d("999941057085")));
        assert!(date(2, 29) && !date(2, 30) && !date(13, 1));
    }
}
