//! Numbers of patients and of the insured.

use super::digits::{date, digits, exactly, luhn, number, uniform, weighted};
use super::{Verdict, pass};

/// Germany's number of the insured (KVNR): a letter and nine digits, the last of which is Luhn's over
/// the letter's place in the alphabet and the others, weighted from the front.
pub(super) fn de_kvnr(v: &[u8]) -> Option<Verdict> {
    let d = [letter(*v.first()?)?.to_vec(), exactly(v.get(1..)?, 9)?].concat();
    let (check, body) = d.split_last()?;
    let sum: u32 = body.iter().zip([1, 2].into_iter().cycle()).map(|(d, weight)| crossed(d * weight)).sum();
    pass(sum % 10 == *check)
}

/// Germany's pension insurance number: the area, the date of birth, a letter, a serial number.
pub(super) fn de_rvnr(v: &[u8]) -> Option<Verdict> {
    let (area, serial) = (exactly(v.get(..8)?, 8)?, exactly(v.get(9..)?, 3)?);
    let d = [area, letter(*v.get(8)?)?.to_vec(), serial].concat();
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = d.iter().zip(weights).map(|(d, weight)| crossed(d * weight)).sum();
    // Where a number was given twice the day is raised by 50.
    let born = date(number(&d, 4, 6), number(&d, 2, 4) % 50);
    pass(sum % 10 == *d.last()? && born)
}

/// A letter's place in the alphabet, as two digits.
fn letter(byte: u8) -> Option<[u32; 2]> {
    let place = byte.is_ascii_uppercase().then(|| u32::from(byte - b'A') + 1)?;
    Some([place / 10, place % 10])
}

/// The sum of the digits of a number below one hundred.
const fn crossed(number: u32) -> u32 {
    number / 10 + number % 10
}

/// Ontario's health card: ten digits with Luhn's check, perhaps a version of two letters.
pub(super) fn ca_ohip(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v.get(..10)?, 10)?;
    let version = v.get(10..)?;
    let versioned = version.is_empty() || version.len() == 2 && version.iter().all(u8::is_ascii_uppercase);
    pass(luhn(&d) && versioned && *d.first()? != 0 && !uniform(&d))
}

/// British Columbia's personal health number.
pub(super) fn ca_phn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let weights = [2, 4, 8, 5, 10, 9, 7, 3];
    let sum: u32 = d.get(1..9)?.iter().zip(weights).map(|(d, weight)| d * weight % 11).sum();
    pass(*d.first()? == 9 && (11 - sum % 11) % 11 == *d.last()?)
}

/// Quebec's health insurance number (NAM): four letters of the name, the date of birth (women's months
/// are raised by 50), two digits.
pub(super) fn ca_ramq(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v.get(4..)?, 8)?;
    let named = v.get(..4)?.iter().all(u8::is_ascii_uppercase);
    pass(named && date(number(&d, 2, 4) % 50, number(&d, 4, 6)))
}

/// Australia's number of a patient (IHI), or of who treats them.
pub(super) fn au_ihi(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 16)?;
    pass(v.starts_with(b"80036") && luhn(&d))
}

/// New Zealand's number of a patient (NHI, HISO 10046): three letters, and four digits or two digits and
/// two letters; of the older form the check is modulo 11, of the newer modulo 23. I and O are not used.
pub(super) fn nz_nhi(v: &[u8]) -> Option<Verdict> {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let place = |b: &u8| LETTERS.iter().position(|l| l == b).and_then(|n| u32::try_from(n + 1).ok());
    let value = |b: &u8| if b.is_ascii_digit() { Some(u32::from(b - b'0')) } else { place(b) };
    let [a, b, c, d, e, f, check] = v else { return None };
    let letters = [a, b, c].into_iter().all(u8::is_ascii_uppercase) && d.is_ascii_digit() && e.is_ascii_digit();
    let values: Vec<u32> = [a, b, c, d, e, f].into_iter().map(value).collect::<Option<_>>()?;
    let sum = weighted(&values, &[7, 6, 5, 4, 3, 2]);
    pass(
        letters
            && if f.is_ascii_digit() {
                !sum.is_multiple_of(11) && check.is_ascii_digit() && (11 - sum % 11) % 10 == value(check)?
            } else {
                place(check) == Some(23 - sum % 23)
            },
    )
}

/// Scotland's CHI number: a date of birth, and the check digit of an NHS number.
pub(super) fn gb_chi(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    super::europe::gb_nhs(v).filter(|_| date(number(&d, 2, 4), number(&d, 0, 2)))
}

/// The number of a European health insurance card (EN 1867): 80, the country (ISO 3166-1), an issuer and a serial number.
pub(super) fn eu_ehic(v: &[u8]) -> Option<Verdict> {
    const COUNTRIES: &[u32] = &[
        40, 56, 100, 191, 196, 203, 208, 233, 246, 250, 276, 300, 348, 352, 372, 380, 428, 438, 440, 442, 470, 528,
        578, 616, 620, 642, 703, 705, 724, 752, 756, 826,
    ];
    let d = digits(v).filter(|d| d.len() == 20)?;
    pass(v.starts_with(b"80") && COUNTRIES.contains(&number(&d, 2, 5)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("de_kvnr", "A123456780", "A123456781"),
            ("de_rvnr", "15070649C103", "15070649C104"),
            ("ca_phn", "9698658215", "9698648215"),
            ("ca_ohip", "2967701091", "2967701092"),
            ("ca_ohip", "2967701091AB", "2967701091A"),
            ("ca_ramq", "PLSJ79572584", "PLSJ79632584"),
            ("au_ihi", "8003608166690503", "8003608166690504"),
            ("nz_nhi", "ZAC5361", "ZAC5362"),
            ("nz_nhi", "ZBN77VL", "ZBN77VM"),
            ("gb_chi", "2010734807", "2010734808"),
            ("eu_ehic", "80276000000000000001", "80999000000000000001"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
    }
}
