//! Numbers of taxpayers, of the insured and of identity papers of further countries. Rules:
//! python-stdnum's sources, where they name the law; else the public description of the number.

use super::digits::{base36, date, digits, exactly, luhn, number, uniform, verhoeff, weighted};
use super::{Verdict, pass};

/// The unique taxpayer reference of the United Kingdom: its check digit comes first.
pub(super) fn gb_utr(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let rest = weighted(d.get(1..)?, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let check = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1].get(rest as usize)?;
    pass(d.first() == Some(check) && !uniform(&d))
}

/// Bulgaria's number of a foreigner (LNCh).
pub(super) fn bg_lnch(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    pass(weighted(&d, &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == *d.last()? && !uniform(&d))
}

/// Portugal's citizen card: Luhn's check over its digits and letters.
pub(super) fn pt_cc(v: &[u8]) -> Option<Verdict> {
    let numbered = v.get(..9)?.iter().all(u8::is_ascii_digit) && v.last().is_some_and(u8::is_ascii_digit);
    let values: Vec<u32> = v.iter().map(|b| base36(*b)).collect::<Option<_>>()?;
    let doubled = |value: u32| if value * 2 > 9 { value * 2 - 9 } else { value * 2 };
    let sum: u32 = values.iter().rev().enumerate().map(|(n, v)| if n % 2 == 1 { doubled(*v) } else { *v }).sum();
    pass(v.len() == 12 && numbered && sum.is_multiple_of(10))
}

/// Portugal's social security number (NISS): prime weights.
pub(super) fn pt_niss(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = 9 - weighted(&d, &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]) % 10;
    pass(matches!(d.first(), Some(1 | 2)) && check == *d.last()?)
}

/// Spain's social security number: the province, a serial number, and both modulo 97. A serial number of
/// less than eight digits is added to the province's, a longer one is written after it.
pub(super) fn es_nuss(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    let (province, serial, check) = (number(&d, 0, 2), number(&d, 2, 10), number(&d, 10, 12));
    let scale = if serial < 10_000_000 { 10_000_000 } else { 100_000_000 };
    let whole = u64::from(province) * scale + u64::from(serial);
    pass(matches!(province, 1..=53 | 66) && whole % 97 == u64::from(check) && serial > 0)
}

/// Poland's tax number (NIP).
pub(super) fn pl_nip(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    pass(weighted(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == *d.last()? && !uniform(&d))
}

/// Poland's identity card: three letters, a check digit, five digits.
pub(super) fn pl_dowod(v: &[u8]) -> Option<Verdict> {
    let values: Vec<u32> = v.iter().map(|b| base36(*b)).collect::<Option<_>>()?;
    let lettered = v.iter().enumerate().all(|(n, b)| b.is_ascii_uppercase() == (n < 3));
    let (letters, rest) = (values.get(..3)?, values.get(4..)?);
    let check = (weighted(letters, &[7, 3, 1]) + weighted(rest, &[7, 3, 1, 7, 3])) % 10;
    pass(v.len() == 9 && lettered && values.get(3) == Some(&check))
}

/// Belarus's payer's number (UNP); those of persons begin with two letters, of which the second counts
/// by its place among those that look like Cyrillic ones.
pub(super) fn by_unp(v: &[u8]) -> Option<Verdict> {
    const ALIKE: &[u8] = b"ABCEHKMOPT";
    let mut values: Vec<u32> = v.iter().map(|b| base36(*b)).collect::<Option<_>>()?;
    if let Some(place) = v.get(1).and_then(|b| ALIKE.iter().position(|l| l == b)) {
        *values.get_mut(1)? = u32::try_from(place).ok()?;
    }
    let written = v.get(2..)?.iter().all(u8::is_ascii_digit);
    let check = weighted(&values, &[29, 23, 19, 17, 13, 7, 5, 3]) % 11;
    pass(v.len() == 9 && written && values.last() == Some(&check))
}

/// India's voter's card (EPIC): three letters, and seven digits with Luhn's check.
pub(super) fn in_epic(v: &[u8]) -> Option<Verdict> {
    let lettered = v.get(..3)?.iter().all(u8::is_ascii_uppercase);
    pass(lettered && luhn(&exactly(v.get(3..)?, 7)?))
}

/// India's virtual number for an Aadhaar: 16 digits with Verhoeff's check.
pub(super) fn in_vid(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 16)?;
    pass(matches!(d.first(), Some(2..=9)) && verhoeff(&d))
}

/// Vietnam's tax number, of a branch perhaps.
pub(super) fn vn_mst(v: &[u8]) -> Option<Verdict> {
    let d = digits(v).filter(|d| matches!(d.len(), 10 | 13))?;
    let check = 10 - weighted(&d, &[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11;
    pass(d.get(9) == Some(&check) && number(&d, 2, 9) != 0)
}

/// Vietnam's citizen number: the province, the century and sex, the year of birth. No check digit.
pub(super) fn vn_cccd(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    pass(matches!(number(&d, 0, 3), 1..=96) && matches!(d.get(3), Some(0..=3)) && number(&d, 6, 12) != 0)
}

/// The number of a child that is being adopted in the United States.
pub(super) fn us_atin(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    pass(*d.first()? == 9 && number(&d, 3, 5) == 93)
}

/// South Africa's tax number.
pub(super) fn za_tin(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    pass(matches!(d.first(), Some(0..=3 | 9)) && luhn(&d) && !uniform(&d))
}

/// Austria's tax number: the office, a serial number.
pub(super) fn at_tin(v: &[u8]) -> Option<Verdict> {
    pass(luhn(&exactly(v, 9)?))
}

/// Mozambique's tax number (NUIT).
pub(super) fn mz_nuit(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let check = weighted(&d, &[8, 9, 4, 5, 6, 7, 8, 9]) % 11;
    pass((if check == 10 { 1 } else { check }) == *d.last()? && !uniform(&d))
}

/// Ghana's tax number: a letter, nine digits, a check character.
pub(super) fn gh_tin(v: &[u8]) -> Option<Verdict> {
    let (check, body) = v.split_last()?;
    let d = exactly(body.get(1..)?, 9)?;
    let expected = b"0123456789X".get((weighted(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11) as usize)?;
    pass(v.first().is_some_and(|b| b"PCGQV".contains(b)) && check == expected)
}

/// Sri Lanka's identity card: the year and the day of birth (women's are raised by 500), a serial number;
/// of the older form V or X at its end.
pub(super) fn lk_nic(v: &[u8]) -> Option<Verdict> {
    let (year, rest) = if v.len() == 12 { (v.get(..4)?, v.get(4..)?) } else { (v.get(..2)?, v.get(2..9)?) };
    let (year, rest) = (digits(year)?, digits(rest)?);
    let end = v.len() == 12 || v.len() == 10 && matches!(v.last(), Some(b'V' | b'X'));
    let born = year.len() == 2 || matches!(number(&year, 0, 4), 1900..=2100);
    pass(end && born && matches!(number(&rest, 0, 3) % 500, 1..=366))
}

/// Albania's identity number: the decade, the date of birth (women's months are raised by 50), a serial number, a letter.
pub(super) fn al_nid(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v.get(1..9)?, 8)?;
    let lettered = v.first().is_some_and(u8::is_ascii_uppercase) && v.last().is_some_and(u8::is_ascii_uppercase);
    pass(v.len() == 10 && lettered && date(number(&d, 1, 3) % 50, number(&d, 3, 5)))
}

/// The number of some paper, under a name that says so: capitals and digits, four of them at least, that
/// are no date.
pub(super) fn paper(v: &[u8]) -> Option<Verdict> {
    let count = v.iter().filter(|b| b.is_ascii_digit()).count();
    let plain: Vec<u32> = v.iter().filter(|b| b.is_ascii_alphanumeric()).filter_map(|b| base36(*b)).collect();
    let parts: Vec<&[u8]> = v.split(|b| matches!(b, b'-' | b'/' | b'.')).collect();
    let day =
        parts.len() == 3 && parts.iter().all(|p| matches!(p.len(), 1 | 2 | 4)) && parts.iter().any(|p| p.len() == 4);
    let written = v.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b" -./".contains(b));
    // Letters that make no words need fewer digits: German cards have any, but no vowels.
    let wordless = count >= 1 && plain.len() >= 8 && !v.iter().any(|b| b"AEIOU".contains(b));
    pass(
        (count >= 4 || wordless)
            && written
            && (5..=20).contains(&plain.len())
            && !uniform(&plain)
            && !(day && count == 8),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("gb_utr", "1955839661", "2955839661"),
            ("bg_lnch", "7111042925", "7111042922"),
            ("pt_cc", "000000000ZZ4", "000000000ZZ3"),
            ("pt_niss", "11267531322", "11267531323"),
            ("es_nuss", "083964457360", "083964457361"),
            ("pl_nip", "8567346215", "8567346216"),
            ("pl_dowod", "ABA300000", "ABA400000"),
            ("by_unp", "200988541", "200988542"),
            ("by_unp", "MA1953684", "MA1953685"),
            ("in_epic", "WKH1186253", "WKH1186263"),
            ("in_vid", "2341234123412341", "2341234123412342"),
            ("vn_mst", "0100233488", "0100233480"),
            ("vn_cccd", "031060221533", "097060221533"),
            ("us_atin", "900931234", "900941234"),
            ("za_tin", "0001339050", "0001339051"),
            ("za_tin", "9001339051", "2449494160"),
            ("at_tin", "591199013", "591199014"),
            ("mz_nuit", "400339910", "400339911"),
            ("mz_nuit", "400005834", "12345"),
            ("gh_tin", "C0000803561", "C0000803562"),
            ("lk_nic", "561622064X", "569992064X"),
            ("al_nid", "I05101999I", "I05151999I"),
            ("paper", "C01X00T47", "2031-01-31"),
            ("paper", "45 10 123456", "not given"),
            ("paper", "ZHHXP7X5V", "PERSON007"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
    }
}
