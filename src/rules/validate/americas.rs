//! National numbers of Latin America beside those of `world` and `further`. Rules: python-stdnum's
//! sources and the public descriptions of the authorities they name.

use super::digits::{date, digits, exactly, luhn, number, uniform, weighted};
use super::{Verdict, pass};

/// Brazil's number of a worker (PIS, PASEP, NIS, NIT).
pub(super) fn br_pis(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = match 11 - weighted(&d, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
        10 | 11 => 0,
        other => other,
    };
    pass(check == *d.last()? && !uniform(&d))
}

/// Brazil's driving licence (CNH).
pub(super) fn br_cnh(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let first = weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let second = weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    // A first remainder of ten is written as zero, and takes two off the second.
    let (first, less) = if first == 10 { (0, 2) } else { (first, 0) };
    let second = if second == 10 { 0 } else { (second + 11 - less) % 11 };
    pass(number(&d, 9, 11) == first * 10 + second && !uniform(&d))
}

/// Brazil's voter's number: a serial number, the state, two check digits.
pub(super) fn br_titulo(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    let state = number(&d, 8, 10);
    let digit = |sum: u32| match sum % 11 {
        10 => 0,
        // São Paulo and Minas Gerais have no zero.
        0 if state <= 2 => 1,
        other => other,
    };
    let first = digit(weighted(&d, &[2, 3, 4, 5, 6, 7, 8, 9]));
    let second = digit(weighted(d.get(8..10)?, &[7, 8]) + first * 9);
    pass(matches!(state, 1..=28) && number(&d, 10, 12) == first * 10 + second)
}

/// Mexico's taxpayer number of a person (RFC). Its check character is not right on all that were given out.
pub(super) fn mx_rfc(v: &[u8]) -> Option<Verdict> {
    let letters = v.get(..4)?.iter().all(u8::is_ascii_uppercase);
    let d = exactly(v.get(4..10)?, 6)?;
    let end = v.get(10..)?.last().is_some_and(|b| b.is_ascii_digit() || *b == b'A');
    pass(v.len() == 13 && letters && date(number(&d, 2, 4), number(&d, 4, 6)) && end)
}

/// Mexico's social security number (NSS): Luhn's check digit; the years of entry and of birth are in it.
pub(super) fn mx_nss(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    pass(luhn(&d) && !uniform(&d))
}

/// Peru's taxpayer number (RUC); 10, 15 and 17 are persons.
pub(super) fn pe_ruc(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = (11 - weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10;
    pass(matches!(number(&d, 0, 2), 10 | 15 | 17 | 20) && check == *d.last()?)
}

/// Paraguay's taxpayer number (RUC): that of the identity card, and a check digit.
pub(super) fn py_ruc(v: &[u8]) -> Option<Verdict> {
    let d = digits(v).filter(|d| (5..=9).contains(&d.len()))?;
    let (check, body) = d.split_last()?;
    let sum: u32 = body.iter().rev().zip(2..).map(|(d, weight)| d * weight).sum();
    pass((11 - sum % 11) % 11 % 10 == *check && !uniform(&d))
}

/// Guatemala's taxpayer number (NIT).
pub(super) fn gt_nit(v: &[u8]) -> Option<Verdict> {
    let (check, body) = v.split_last()?;
    let d = digits(body).filter(|d| (4..=11).contains(&d.len()))?;
    let sum: u32 = d.iter().rev().zip(2..).map(|(d, weight)| d * weight).sum();
    let expected = b"0123456789K".get(((11 - sum % 11) % 11) as usize)?;
    pass(check == expected && !uniform(&d))
}

/// El Salvador's taxpayer number (NIT): the municipality, the date of birth, a serial number. Its
/// check digit changed with the serial numbers above 100.
pub(super) fn sv_nit(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 14)?;
    let check = if number(&d, 10, 13) <= 100 {
        weighted(&d, &[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 % 10
    } else {
        (11 - weighted(&d, &[2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10
    };
    let born = date(number(&d, 6, 8), number(&d, 4, 6));
    pass(matches!(d.first(), Some(0 | 1 | 9)) && check == *d.last()? && born)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("br_pis", "17033259504", "17033259505"),
            ("br_cnh", "02650306461", "02650306462"),
            ("br_titulo", "102385010671", "102385010672"),
            ("mx_rfc", "GODE561231GR8", "GODE561331GR8"),
            ("mx_rfc", "VACE460910SX6", "MAB9307148T4"),
            ("mx_nss", "12829054928", "12829054929"),
            ("pe_ruc", "20512333797", "20512333798"),
            ("py_ruc", "800280610", "800532492"),
            ("py_ruc", "9991603", "9991604"),
            ("gt_nit", "576937K", "5769370"),
            ("gt_nit", "71080", "89771120"),
            ("sv_nit", "06140507071048", "06140507071040"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
    }
}
