//! Payment cards and bank accounts.

use super::digits::{base36, digits, exactly, luhn, uniform, weighted};
use super::{Verdict, pass, sure, unsure};

/// A brand's numbers: first and last prefix, shortest and longest number.
struct Brand {
    name: &'static str,
    from: u32,
    to: u32,
    lengths: (usize, usize),
}

const fn brand(name: &'static str, from: u32, to: u32, least: usize, most: usize) -> Brand {
    Brand { name, from, to, lengths: (least, most) }
}

/// The more particular before the more general.
const BRANDS: &[Brand] = &[
    brand("American Express", 34, 34, 15, 15),
    brand("American Express", 37, 37, 15, 15),
    brand("Diners Club", 300, 305, 14, 19),
    brand("Diners Club", 3095, 3095, 14, 19),
    brand("Diners Club", 36, 36, 14, 19),
    brand("Diners Club", 38, 39, 14, 19),
    brand("JCB", 3528, 3589, 16, 19),
    brand("Mir", 2200, 2204, 16, 19),
    brand("Mastercard", 2221, 2720, 16, 16),
    brand("Mastercard", 51, 55, 16, 16),
    brand("Verve", 506_099, 506_198, 16, 19),
    brand("Elo", 504_175, 504_175, 16, 16),
    brand("Elo", 506_699, 506_778, 16, 16),
    brand("Elo", 509, 509, 16, 16),
    brand("Elo", 627_780, 627_780, 16, 16),
    brand("Elo", 636_297, 636_297, 16, 16),
    brand("Elo", 636_368, 636_368, 16, 16),
    brand("Maestro", 5018, 5018, 12, 19),
    brand("Maestro", 5020, 5020, 12, 19),
    brand("Maestro", 5038, 5038, 12, 19),
    brand("Maestro", 5893, 5893, 12, 19),
    brand("Maestro", 6304, 6304, 12, 19),
    brand("Maestro", 6759, 6759, 12, 19),
    brand("Maestro", 6761, 6763, 12, 19),
    brand("Dankort", 5019, 5019, 16, 16),
    brand("RuPay", 508, 508, 16, 16),
    brand("RuPay", 353, 353, 16, 16),
    brand("RuPay", 356, 356, 16, 16),
    brand("RuPay", 82, 82, 16, 16),
    brand("Hipercard", 606_282, 606_282, 16, 16),
    brand("Discover", 6011, 6011, 16, 19),
    brand("RuPay", 60, 60, 16, 16),
    brand("Discover", 644, 649, 16, 19),
    brand("Discover", 65, 65, 16, 19),
    brand("UnionPay", 62, 62, 16, 19),
    brand("UnionPay", 81, 81, 16, 19),
    brand("Uzcard", 8600, 8600, 16, 16),
    brand("Napas", 9704, 9704, 16, 19),
    brand("Troy", 9792, 9792, 16, 16),
    brand("Humo", 9860, 9860, 16, 16),
    brand("UATP", 1, 1, 15, 15),
    brand("Visa", 4, 4, 13, 19),
];

/// A payment card number: brand, length, Luhn, and digits as uneven as those of real numbers. The
/// note names the brand.
pub(super) fn pan(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    let brand = BRANDS.iter().find(|brand| {
        let length = brand.from.ilog10() as usize + 1;
        let prefix = d.get(..length).unwrap_or_default().iter().fold(0, |n, d| n * 10 + d);
        (brand.from..=brand.to).contains(&prefix) && (brand.lengths.0..=brand.lengths.1).contains(&d.len())
    })?;
    // A Visa number has 13, 16 or 19 digits, and the old 13 are in use no more.
    let odd_visa = brand.name == "Visa" && !matches!(d.len(), 16 | 19);
    if odd_visa || !luhn(&d) {
        return None;
    }
    Some(Verdict { confidence: None, note: Some(brand.name.to_owned()), ..Verdict::default() })
}

/// The digits of track 2 of a magnetic stripe: a card number, then the year and month it expires.
pub(super) fn track2(v: &[u8]) -> Option<Verdict> {
    let fits = (12..=19).any(|length| {
        // The sign between is `=`, which is no part of the value, or `D`.
        let rest = v.get(length..).map(|rest| rest.strip_prefix(b"D").unwrap_or(rest));
        let month = rest.and_then(|rest| rest.get(2..4)).and_then(digits).map(|m| super::digits::number(&m, 0, 2));
        matches!(month, Some(1..=12)) && v.get(..length).is_some_and(|number| pan(number).is_some())
    });
    if fits { sure() } else { None }
}

/// Not more than seven of one digit, nor more than four each of two: made-up numbers and identifiers
/// padded with zeros are like that (the idea is bulk_extractor's), and a few real ones, so that a number
/// that is called a card all the same is one.
pub(super) fn uneven(v: &[u8]) -> Option<Verdict> {
    let mut counts = [0u32; 10];
    for digit in digits(v)? {
        *counts.get_mut(digit as usize)? += 1;
    }
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let [most, second, ..] = counts;
    let uneven = most <= 7 && (most <= 4 || second <= 4);
    if uneven { pass(true) } else { unsure("its digits repeat as those of made-up numbers do") }
}

/// Lengths of IBANs by country (SWIFT registry, release 101).
const IBAN: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// An IBAN: the length of its country and ISO 7064 MOD 97-10.
pub(super) fn iban(v: &[u8]) -> Option<Verdict> {
    let country = std::str::from_utf8(v.get(..2)?).ok()?;
    let known = IBAN.iter().any(|(length, countries)| *length == v.len() && countries.split(' ').any(|c| c == country));
    let (head, tail) = v.split_at_checked(4)?;
    let mut rest = 0;
    for byte in tail.iter().chain(head) {
        let value = base36(*byte)?;
        rest = (rest * if value > 9 { 100 } else { 10 } + value) % 97;
    }
    // 97 less a remainder of 0 to 96, plus one: others would be congruent.
    let check = digits(head.get(2..)?).is_some_and(|check| (2..=98).contains(&super::digits::number(&check, 0, 2)));
    if known && check && rest == 1 { sure() } else { None }
}

/// Mexico's CLABE: weights 3, 7 and 1 by turns, of each product its last digit.
pub(super) fn mx_clabe(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 18)?;
    let (check, body) = d.split_last()?;
    let sum: u32 = body.iter().zip([3, 7, 1].into_iter().cycle()).map(|(d, weight)| d * weight % 10).sum();
    pass((sum + check).is_multiple_of(10) && !uniform(&d))
}

/// Spain's CCC: bank and branch, their check digit, that of the account, and the account.
pub(super) fn es_ccc(v: &[u8]) -> Option<Verdict> {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let d = exactly(v, 20)?;
    let check = |digits: &[u32], weights: &[u32]| match 11 - weighted(digits, weights) % 11 {
        10 => 1,
        11 => 0,
        digit => digit,
    };
    let bank = check(d.get(..8)?, WEIGHTS.get(2..)?);
    let account = check(d.get(10..)?, &WEIGHTS);
    pass(*d.get(8)? == bank && *d.get(9)? == account && !uniform(&d))
}

/// Norway's account: the weights of MOD 11.
pub(super) fn no_account(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = (11 - weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    pass(check == *d.last()? && !uniform(&d))
}

/// Poland's NRB: an IBAN without its country.
pub(super) fn pl_nrb(v: &[u8]) -> Option<Verdict> {
    iban(&[b"PL", v].concat())
}

/// The code of a bank (ISO 9362): four letters, a country, two for the place, perhaps three for a branch.
pub(super) fn bic(v: &[u8]) -> Option<Verdict> {
    const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ \
        CA CD CF CG CH CI CK CL CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB \
        GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH \
        KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MQ MR MS MT MU MV MW MX \
        MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE \
        SG SI SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG \
        VI VN VU WF WS XK YE ZA ZM ZW";
    let (party, rest) = v.split_at_checked(4)?;
    let (country, place) = rest.split_at_checked(2)?;
    let known = COUNTRIES.split_ascii_whitespace().any(|name| name.as_bytes() == country);
    let written = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    pass(matches!(v.len(), 8 | 11) && party.iter().all(u8::is_ascii_uppercase) && known && place.iter().all(written))
}

/// The number of a mobile device: 15 digits with Luhn's check.
pub(super) fn imei(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    pass(d.len() == 15 && luhn(&d) && !uniform(&d))
}

/// A vehicle's number (ISO 3779) with the check digit of North America and China in ninth place.
pub(super) fn vin(v: &[u8]) -> Option<Verdict> {
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(u32::from(b - b'0')),
        b'A'..=b'H' => Some(u32::from(b - b'A') + 1),
        b'J'..=b'N' => Some(u32::from(b - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u32::from(b - b'S') + 2),
        _ => None,
    };
    let values: Vec<u32> = v.iter().map(|b| value(*b)).collect::<Option<_>>()?;
    let sum = super::digits::weighted(&values, &[8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]);
    let expected = b"0123456789X".get((sum % 11) as usize)?;
    pass(v.len() == 17 && v.get(8) == Some(expected) && v.iter().any(u8::is_ascii_alphabetic))
}

/// The machine-readable zone of a passport or identity card (ICAO Doc 9303): the check digits of the
/// document number, the birth date and the expiry date.
pub(super) fn mrz(v: &[u8]) -> Option<Verdict> {
    let lines: Vec<&[u8]> = v
        .split(|b| !b.is_ascii_uppercase() && !b.is_ascii_digit() && *b != b'<')
        .map(|line| line.trim_ascii())
        .filter(|l| l.len() > 20)
        .collect();
    let digit = |text: &[u8], check: u8| {
        let sum: Option<u32> = text
            .iter()
            .zip([7, 3, 1].into_iter().cycle())
            .map(|(b, weight)| if *b == b'<' { Some(0) } else { base36(*b).map(|value| value * weight) })
            .sum();
        sum.is_some_and(|sum| sum % 10 == u32::from(check.wrapping_sub(b'0')) || (check == b'<' && sum == 0))
    };
    let checked = |line: &[u8], start: usize, length: usize| {
        let (text, check) = (line.get(start..start + length), line.get(start + length));
        text.zip(check).is_some_and(|(text, check)| digit(text, *check))
    };
    let fits = lines.iter().enumerate().any(|(n, line)| match line.len() {
        // Two lines of 44 (passports) or 36: number, birth, expiry in the second.
        44 | 36 => checked(line, 0, 9) && checked(line, 13, 6) && checked(line, 21, 6),
        // Three lines of 30: number in the first, birth and expiry in the second.
        30 => checked(line, 5, 9) && lines.get(n + 1).is_some_and(|next| checked(next, 0, 6) && checked(next, 8, 6)),
        _ => false,
    });
    if fits { sure() } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn cards_have_a_brand_a_length_and_a_check_digit() {
        for good in ["4111111111111111", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117"]
        {
            accepts("pan", good);
        }
        for bad in ["4111111111111112", "411111111111111", "1234567812345670", "3782822463100050"] {
            refuses("pan", bad);
        }
        let brand = |number: &[u8]| super::pan(number).and_then(|verdict| verdict.note);
        for (number, name) in [
            ("6011111111111117", "Discover"),
            ("6069851300117000", "RuPay"),
            ("6062826786276634", "Hipercard"),
            ("2200770212727079", "Mir"),
            ("2223003122003222", "Mastercard"),
            ("9792020000000001", "Troy"),
            ("5061460410120223210", "Verve"),
            ("30569309025904", "Diners Club"),
            ("6762000000000000009", "Maestro"),
        ] {
            assert_eq!(brand(number.as_bytes()).as_deref(), Some(name), "{number}");
        }
        let sure = |number: &[u8]| super::uneven(number).and_then(|verdict| verdict.confidence);
        assert_eq!(sure(b"6011710092080116"), Some(crate::model::finding::Confidence::Low));
        assert_eq!(sure(b"4539578763621486"), None);
    }

    #[test]
    fn accounts_and_devices() {
        for (name, good, bad) in [
            ("iban", "GB82WEST12345698765432", "GB82WEST12345698765433"),
            ("iban", "DE89370400440532013000", "DE8937040044053201300"),
            ("bic", "DEUTDEFF500", "DEUTDXFF500"),
            ("bic", "NEDSZAJJ", "NEDSZAJ"),
            ("imei", "490154203237518", "490154203237519"),
            ("vin", "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
        let zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
        accepts("mrz", zone);
        refuses("mrz", &zone.replace("740812", "740813"));
    }
}
