//! National numbers of the rest of the world.

use super::digits::{base36, date, digits, exactly, luhn, number, uniform, verhoeff, weighted};
use super::{Verdict, pass};

pub(super) fn us_ssn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let (area, group, serial) = (number(&d, 0, 3), number(&d, 3, 5), number(&d, 5, 9));
    // Printed on sample cards and advertisements.
    let famous = [b"078051120".as_slice(), b"219099999", b"123456789", b"987654321", b"111223333"].contains(&v);
    pass(area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && !famous && !uniform(&d))
}

/// A Social Security number with its hyphens.
pub(super) fn ssn_text(v: &[u8]) -> Option<Verdict> {
    us_ssn(&v.iter().copied().filter(u8::is_ascii_digit).collect::<Vec<u8>>())
}

pub(super) fn us_itin(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let group = number(&d, 3, 5);
    pass(*d.first()? == 9 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

pub(super) fn us_aba(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let sum = weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
    pass(sum.is_multiple_of(10) && matches!(number(&d, 0, 2), 0..=12 | 21..=32 | 61..=72 | 80) && !uniform(&d))
}

pub(super) fn us_npi(v: &[u8]) -> Option<Verdict> {
    let mut d = vec![8, 0, 8, 4, 0];
    d.extend(exactly(v, 10)?);
    pass(luhn(&d) && matches!(v.first(), Some(b'1' | b'2')))
}

pub(super) fn us_mbi(v: &[u8]) -> Option<Verdict> {
    let letter = |b: u8| b.is_ascii_uppercase() && !b"SLOIBZ".contains(&b);
    let shape = [b'C', b'A', b'N', b'9', b'A', b'N', b'9', b'A', b'A', b'9', b'9'];
    let fits = v.len() == 11
        && v.iter().zip(shape).all(|(b, class)| match class {
            b'C' => (b'1'..=b'9').contains(b),
            b'A' => letter(*b),
            b'N' => b.is_ascii_digit() || letter(*b),
            _ => b.is_ascii_digit(),
        });
    pass(fits)
}

pub(super) fn us_dea(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v.get(2..)?, 7)?;
    let sum = weighted(&d, &[1, 2, 1, 2, 1, 2]);
    pass(sum % 10 == *d.last()?)
}

pub(super) fn ca_sin(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    pass(luhn(&d) && !matches!(d.first(), Some(0 | 8)))
}

pub(super) fn br_cpf(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let first = weighted(d.get(..9)?, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 % 10;
    let second = weighted(d.get(..10)?, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 % 10;
    pass(d.get(9..11)? == [first, second] && !uniform(&d))
}

pub(super) fn br_cnpj(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 14)?;
    let first = weighted(d.get(..12)?, &[6, 7, 8, 9, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 % 10;
    let second = weighted(d.get(..13)?, &[5, 6, 7, 8, 9, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 % 10;
    pass(d.get(12..14)? == [first, second] && !uniform(&d))
}

pub(super) fn mx_curp(v: &[u8]) -> Option<Verdict> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ";
    let (check, body) = v.split_last()?;
    let mut sum = 0;
    for (byte, weight) in body.iter().zip((2..=18u32).rev()) {
        // The alphabet has Ñ between N and O; `&` holds its place.
        sum += u32::try_from(ALPHABET.iter().position(|b| b == byte)?).ok()? * weight;
    }
    let d = digits(v.get(4..10)?)?;
    let known = matches!(v.get(10), Some(b'H' | b'M' | b'X'));
    let born = date(number(&d, 2, 4), number(&d, 4, 6));
    pass(v.len() == 18 && known && born && base36(*check)? == (10 - sum % 10) % 10)
}

pub(super) fn ar_cuit(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = match (11 - weighted(d.get(..10)?, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 {
        10 => 9,
        other => other,
    };
    pass(check == *d.last()? && matches!(number(&d, 0, 2), 20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55))
}

pub(super) fn cl_rut(v: &[u8]) -> Option<Verdict> {
    let (check, body) = v.split_last()?;
    let d = digits(body)?;
    let sum: u32 = d.iter().rev().zip([2, 3, 4, 5, 6, 7, 2, 3].iter()).map(|(d, w)| d * w).sum();
    let expected = b"0123456789K0".get((11 - sum % 11) as usize)?;
    pass(matches!(d.len(), 7 | 8) && expected == check)
}

pub(super) fn co_nit(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    let (check, body) = d.split_last()?;
    let weights = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    let sum: u32 = body.iter().rev().zip(weights.iter()).map(|(d, w)| d * w).sum();
    let expected = match sum % 11 {
        small @ 0..=1 => small,
        rest => 11 - rest,
    };
    pass(matches!(d.len(), 8..=16) && expected == *check)
}

pub(super) fn ec_ci(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    pass(matches!(number(&d, 0, 2), 1..=24 | 30 | 50) && *d.get(2)? < 6 && luhn(&d))
}

pub(super) fn do_cedula(v: &[u8]) -> Option<Verdict> {
    pass(luhn(&exactly(v, 11)?))
}

pub(super) fn in_aadhaar(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    pass(*d.first()? >= 2 && verhoeff(&d) && !uniform(&d))
}

pub(super) fn in_pan(v: &[u8]) -> Option<Verdict> {
    pass(b"ABCFGHJLPT".contains(v.get(3)?) && v.get(5..9)? != b"0000")
}

pub(super) fn cn_ric(v: &[u8]) -> Option<Verdict> {
    let (check, body) = v.split_last()?;
    let d = exactly(body, 17)?;
    let sum = weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let expected = b"10X98765432".get((sum % 11) as usize)?;
    let born = matches!(number(&d, 6, 10), 1880..=2100) && date(number(&d, 10, 12), number(&d, 12, 14));
    pass(expected == check && born && matches!(number(&d, 0, 2), 11..=91))
}

pub(super) fn kr_rrn(v: &[u8]) -> Option<Verdict> {
    // Numbers given since October 2020 have no check digit, so the date alone decides.
    let d = exactly(v, 13)?;
    pass(date(number(&d, 2, 4), number(&d, 4, 6)) && !uniform(&d))
}

pub(super) fn jp_mynumber(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    let rest = weighted(d.get(..11)?, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    pass(if rest <= 1 { 0 } else { 11 - rest } == *d.last()?)
}

pub(super) fn tw_id(v: &[u8]) -> Option<Verdict> {
    let place = b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|b| Some(b) == v.first())?;
    let code = u32::try_from(place).ok()? + 10;
    let d = exactly(v.get(1..)?, 9)?;
    let sum = code / 10 + code % 10 * 9 + weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    pass(sum.is_multiple_of(10) && matches!(d.first(), Some(1 | 2 | 8 | 9)))
}

pub(super) fn hk_hkid(v: &[u8]) -> Option<Verdict> {
    let (check, body) = v.split_last()?;
    // One letter counts as if a space (36) stood before it.
    let padded: Vec<u32> = match body.len() {
        7 => std::iter::once(Some(36)).chain(body.iter().map(|b| base36(*b))).collect::<Option<_>>()?,
        8 => body.iter().map(|b| base36(*b)).collect::<Option<_>>()?,
        _ => return None,
    };
    let sum = weighted(&padded, &[9, 8, 7, 6, 5, 4, 3, 2]) + base36(*check)?;
    pass(sum.is_multiple_of(11))
}

pub(super) fn sg_nric(v: &[u8]) -> Option<Verdict> {
    let (first, last) = (v.first()?, v.last()?);
    let d = exactly(v.get(1..8)?, 7)?;
    let offset = match first {
        b'T' | b'G' => 4,
        b'M' => 3,
        _ => 0,
    };
    let rest = ((weighted(&d, &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11) as usize;
    let expected = match first {
        b'S' | b'T' => b"JZIHGFEDCBA".get(rest),
        b'F' | b'G' => b"XWUTRQPNMLK".get(rest),
        b'M' => b"KLJNPQRTUWX".get(10 - rest),
        _ => None,
    };
    pass(v.len() == 9 && expected == Some(last))
}

pub(super) fn th_pin(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    let sum = weighted(&d, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    pass((11 - sum % 11) % 10 == *d.last()? && matches!(d.first(), Some(1..=8)))
}

pub(super) fn my_nric(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    pass(date(number(&d, 2, 4), number(&d, 4, 6)) && !matches!(number(&d, 6, 8), 0 | 17..=20 | 69..=70))
}

pub(super) fn id_nik(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 16)?;
    let day = number(&d, 6, 8);
    let born = date(number(&d, 8, 10), if day > 40 { day - 40 } else { day });
    pass(born && matches!(number(&d, 0, 2), 11..=97) && number(&d, 12, 16) != 0)
}

pub(super) fn au_tfn(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    let sum = match d.len() {
        8 => weighted(&d, &[10, 7, 8, 4, 6, 3, 5, 1]),
        9 => weighted(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]),
        _ => return None,
    };
    pass(sum.is_multiple_of(11) && !uniform(&d))
}

pub(super) fn au_medicare(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    let check = weighted(d.get(..8)?, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    pass(matches!(d.first(), Some(2..=6)) && check == *d.get(8)?)
}

pub(super) fn nz_ird(v: &[u8]) -> Option<Verdict> {
    let mut d = digits(v)?;
    if d.len() == 8 {
        d.insert(0, 0);
    }
    let (check, body) = d.split_last()?;
    let turn = |weights: &[u32]| (11 - weighted(body, weights) % 11) % 11;
    let expected = match turn(&[3, 2, 7, 6, 5, 4, 3, 2]) {
        10 => turn(&[7, 4, 3, 2, 5, 2, 7, 6]),
        other => other,
    };
    pass(d.len() == 9 && expected == *check && number(&d, 0, 9) > 10_000_000)
}

pub(super) fn za_id(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    pass(luhn(&d) && date(number(&d, 2, 4), number(&d, 4, 6)) && *d.get(10)? <= 2)
}

pub(super) fn il_id(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    pass(luhn(&d) && !uniform(&d))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("us_ssn", "536904399", "666904399"),
            ("us_itin", "912903456", "912933456"),
            ("us_aba", "021000021", "021000022"),
            ("us_npi", "1234567893", "1234567894"),
            ("us_mbi", "1EG4TE5MK73", "1SG4TE5MK73"),
            ("us_dea", "AB1234563", "AB1234564"),
            ("ca_sin", "130692544", "130692545"),
            ("br_cpf", "52998224725", "52998224726"),
            ("br_cnpj", "11222333000181", "11222333000182"),
            ("mx_curp", "BOXW310820HNERXN09", "BOXW310820HNERXN08"),
            ("ar_cuit", "20055361682", "20055361683"),
            ("cl_rut", "125319092", "125319093"),
            ("co_nit", "2131234321", "2131234322"),
            ("ec_ci", "1714307103", "1714307104"),
            ("do_cedula", "00113918205", "00113918206"),
            ("in_aadhaar", "999941057058", "999941057059"),
            ("in_pan", "ACUPA7085R", "ACUZA7085R"),
            ("cn_ric", "11010519491231002X", "110105194912310021"),
            ("kr_rrn", "9710139019902", "9713139019902"),
            ("jp_mynumber", "123456789018", "123456789019"),
            ("tw_id", "A123456789", "A123456788"),
            ("hk_hkid", "A1234563", "A1234564"),
            ("sg_nric", "S1234567D", "S1234567E"),
            ("th_pin", "1234545678781", "1234545678782"),
            ("my_nric", "770305021234", "771305021234"),
            ("id_nik", "3171011708450001", "3171011713450001"),
            ("au_tfn", "123456782", "123456783"),
            ("au_medicare", "2123456701", "2123456711"),
            ("nz_ird", "49091850", "49091851"),
            ("za_id", "8001015009087", "8001015009088"),
            ("il_id", "039337423", "039337424"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
    }
}
