//! National numbers of further countries. Rules: python-stdnum's sources, where they name the law;
//! else the public description of the number.

use super::digits::{date, digits, exactly, luhn, number, remainder, uniform, verhoeff, weighted};
use super::{Verdict, pass};

/// Hungary's social security number (TAJ).
pub(super) fn hu_taj(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let check = weighted(d.get(..8)?, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10;
    pass(check == *d.last()? && !uniform(&d))
}

/// Hungary's tax number of a person: 8, the days since 1867, a serial number, a check digit.
pub(super) fn hu_adoazonosito(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let check = weighted(d.get(..9)?, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    pass(*d.first()? == 8 && check == *d.last()?)
}

/// Latvia's personas kods; since 2017 it begins with 32 and holds no date.
pub(super) fn lv_pk(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = (1 + weighted(d.get(..10)?, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    let dated = number(&d, 0, 2) == 32 || (date(number(&d, 2, 4), number(&d, 0, 2)) && *d.get(6)? <= 2);
    pass(check == *d.last()? && dated)
}

/// Luxembourg's matricule: a date, a serial number, Luhn's and Verhoeff's check digits over both.
pub(super) fn lu_matricule(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    let mut other = d.get(..11)?.to_vec();
    other.push(*d.last()?);
    let born = matches!(number(&d, 0, 4), 1850..=2100) && date(number(&d, 4, 6), number(&d, 6, 8));
    pass(born && luhn(d.get(..12)?) && verhoeff(&other))
}

pub(super) fn md_idnp(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    let check = weighted(d.get(..12)?, &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10;
    pass(check == *d.last()? && matches!(d.first(), Some(0..=2)) && !uniform(&d))
}

pub(super) fn kz_iin(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    let body = d.get(..11)?;
    let check = match weighted(body, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11 {
        10 => weighted(body, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11,
        other => other,
    };
    let born = date(number(&d, 2, 4), number(&d, 4, 6)) && matches!(d.get(6), Some(0..=6));
    pass(check == *d.last()? && born)
}

/// Iran's code melli.
pub(super) fn ir_melli(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let rest = weighted(d.get(..9)?, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    pass(if rest < 2 { rest } else { 11 - rest } == *d.last()? && !uniform(&d))
}

/// Saudi Arabia's numbers of citizens (1) and residents (2).
pub(super) fn sa_id(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    pass(matches!(d.first(), Some(1 | 2)) && luhn(&d) && !uniform(&d))
}

/// The Emirates' identity number: 784, the year of birth, a serial number, Luhn's check digit.
pub(super) fn ae_eid(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 15)?;
    pass(v.starts_with(b"784") && matches!(number(&d, 3, 7), 1900..=2100) && luhn(&d))
}

/// Kuwait's civil number.
pub(super) fn kw_civil(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    let check = 11 - weighted(d.get(..11)?, &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    let born = matches!(d.first(), Some(2 | 3)) && date(number(&d, 3, 5), number(&d, 5, 7));
    pass(check == *d.last()? && born)
}

pub(super) fn uy_ci(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 8)?;
    let check = (10 - weighted(d.get(..7)?, &[2, 9, 8, 7, 6, 3, 4]) % 10) % 10;
    pass(check == *d.last()? && !uniform(&d))
}

/// Venezuela's RIF of persons and firms.
pub(super) fn ve_rif(v: &[u8]) -> Option<Verdict> {
    let kind = match v.first()? {
        b'V' => 4,
        b'E' => 8,
        b'J' => 12,
        b'P' => 16,
        b'G' => 20,
        _ => return None,
    };
    let d = exactly(v.get(1..)?, 9)?;
    let sum = kind + weighted(d.get(..8)?, &[3, 2, 7, 6, 5, 4, 3, 2]);
    let expected = [0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1].get((sum % 11) as usize)?;
    pass(d.last() == Some(expected))
}

pub(super) fn mu_nid(v: &[u8]) -> Option<Verdict> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let (check, body) = v.split_last()?;
    let values: Vec<u32> = body.iter().map(|b| super::digits::base36(*b)).collect::<Option<_>>()?;
    let sum = weighted(&values, &[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let expected = ALPHABET.get(((17 - sum % 17) % 17) as usize)?;
    let d = digits(v.get(1..7)?)?;
    let born = v.first().is_some_and(u8::is_ascii_uppercase) && date(number(&d, 2, 4), number(&d, 0, 2));
    pass(v.len() == 14 && born && expected == check)
}

/// Peru's DNI with its check digit, or the letter that older cards have in its place.
pub(super) fn pe_cui(v: &[u8]) -> Option<Verdict> {
    let (check, body) = v.split_last()?;
    let d = exactly(body, 8)?;
    let rest = (weighted(&d, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) as usize;
    pass([b"65432110987".get(rest), b"KJIHGFEDCBA".get(rest)].contains(&Some(check)) && !uniform(&d))
}

/// Pakistan's CNIC: no check digit; the province and the sex are in range.
pub(super) fn pk_cnic(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    pass(matches!(d.first(), Some(1..=7)) && *d.last()? != 0 && !uniform(&d))
}

/// Cuba's identity number: no check digit; the date of birth.
pub(super) fn cu_ni(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    pass(date(number(&d, 2, 4), number(&d, 4, 6)))
}

/// Egypt's national number: the century, the date of birth, the governorate. How its check digit is
/// made is not published.
pub(super) fn eg_nid(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 14)?;
    let place = matches!(number(&d, 7, 9), 1..=4 | 11..=35 | 88);
    pass(matches!(d.first(), Some(2 | 3)) && date(number(&d, 3, 5), number(&d, 5, 7)) && place)
}

/// Greece's tax number (AFM).
pub(super) fn gr_afm(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let sum = weighted(d.get(..8)?, &[256, 128, 64, 32, 16, 8, 4, 2]);
    pass(sum % 11 % 10 == *d.last()? && !uniform(&d))
}

/// France's tax number of a person (SPI): the first ten digits modulo 511.
pub(super) fn fr_nif(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    let check = u64::from(number(&d, 10, 13));
    pass(matches!(d.first(), Some(0..=3)) && remainder(d.get(..10)?, 511) == check && !uniform(&d))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("hu_taj", "037687210", "037687211"),
            ("lv_pk", "16117519997", "16117519998"),
            ("lu_matricule", "1893120105732", "1893120105733"),
            ("hu_adoazonosito", "8371092105", "8371092106"),
            ("kz_iin", "850311300126", "850311300127"),
            ("sa_id", "1087654321", "1087654322"),
            ("ae_eid", "784198012345678", "784198012345679"),
            ("kw_civil", "285011201205", "285011201206"),
            ("md_idnp", "2004001234567", "2004001234568"),
            ("ir_melli", "0084575948", "0084575949"),
            ("uy_ci", "12345672", "12345673"),
            ("ve_rif", "V114702834", "V114702835"),
            ("mu_nid", "J2906201304089", "J2906201304088"),
            ("pe_cui", "101174102", "101174103"),
            ("pk_cnic", "3420108912318", "9420108912318"),
            ("cu_ni", "91021027775", "91131027775"),
            ("eg_nid", "29001011234567", "29013011234567"),
            ("gr_afm", "094259216", "094259217"),
            ("fr_nif", "3023217600053", "3023217600054"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
    }
}
