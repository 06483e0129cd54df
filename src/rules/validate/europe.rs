//! National numbers of Europe. Rules: python-stdnum's sources name the law behind each.

use super::digits::{base36, date, digits, exactly, luhn, mod_11_10, number, remainder, uniform, weighted};
use super::{Verdict, pass};

pub(super) fn gb_nino(v: &[u8]) -> Option<Verdict> {
    let (&[a, b, ..], Some(suffix)) = (v, v.last()) else { return None };
    let prefix = [a, b];
    let fine = !b"DFIQUV".contains(&a)
        && !b"DFIOQUV".contains(&b)
        && ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&prefix)
        && (v.len() == 8 || (b'A'..=b'D').contains(suffix));
    pass(fine)
}

pub(super) fn gb_nhs(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let check = (11 - weighted(d.get(..9)?, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    pass(check == *d.last()? && !uniform(&d))
}

pub(super) fn de_steuerid(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let mut counts = [0u32; 10];
    for digit in d.get(..10)? {
        *counts.get_mut(*digit as usize)? += 1;
    }
    let repeated = counts.iter().filter(|c| **c > 1).count();
    pass(*d.first()? != 0 && repeated == 1 && counts.iter().all(|c| *c <= 3) && mod_11_10(&d))
}

pub(super) fn fr_nir(v: &[u8]) -> Option<Verdict> {
    let mut body = v.get(..13)?.to_vec();
    let corsica = match body.get(5..7)? {
        b"2A" => Some(*b"19"),
        b"2B" => Some(*b"18"),
        _ => None,
    };
    if let Some(corsica) = corsica {
        body.get_mut(5..7)?.copy_from_slice(&corsica);
    }
    let d = digits(&body)?;
    let month = number(&d, 3, 5);
    let sex = matches!(d.first(), Some(1..=4 | 7 | 8));
    let check = match v.get(13..15) {
        Some(check) => 97 - remainder(&d, 97) == u64::from(number(&digits(check)?, 0, 2)),
        None => false,
    };
    pass(sex && (matches!(month, 1..=12 | 20..=42) || month >= 50) && check)
}

pub(super) fn es_dni(v: &[u8]) -> Option<Verdict> {
    let (letter, rest) = v.split_last()?;
    let mut body = rest.to_vec();
    let first = body.first_mut()?;
    *first = match *first {
        b'X' => b'0',
        b'Y' => b'1',
        b'Z' => b'2',
        other => other,
    };
    let d = exactly(&body, 8)?;
    let expected = b"TRWAGMYFPDXBNJZSQVHLCKE".get(usize::try_from(remainder(&d, 23)).ok()?)?;
    pass(expected == letter && !uniform(&d))
}

pub(super) fn it_cf(v: &[u8]) -> Option<Verdict> {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
        10, 22, 25, 24, 23,
    ];
    let (check, body) = v.split_last()?;
    // Omocodia: a letter in place of a digit.
    let numeric = |n: usize| v.get(n).is_some_and(|b| b.is_ascii_digit() || b"LMNPQRSTUV".contains(b));
    let letters = |n: usize| v.get(n).is_some_and(u8::is_ascii_alphabetic);
    let form = (0..6).all(letters) && [6, 7, 9, 10, 12, 13, 14].into_iter().all(numeric) && letters(11);
    let month = b"ABCDEHLMPRST".contains(v.get(8)?);
    let mut sum = 0;
    for (n, byte) in body.iter().enumerate() {
        let value = base36(*byte)?;
        sum += if n % 2 == 0 { *ODD.get(value as usize)? } else { value.checked_sub(10).unwrap_or(value) };
    }
    pass(v.len() == 16 && form && month && base36(*check)? == sum % 26 + 10)
}

pub(super) fn nl_bsn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let sum = weighted(&d, &[9, 8, 7, 6, 5, 4, 3, 2]);
    pass(sum % 11 == *d.last()? && !uniform(&d))
}

pub(super) fn be_nn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = u64::from(number(&d, 9, 11));
    let old = remainder(d.get(..9)?, 97);
    let mut new = vec![2];
    new.extend_from_slice(d.get(..9)?);
    let month = number(&d, 2, 4) % 20;
    pass((97 - old == check || 97 - remainder(&new, 97) == check) && month <= 12 && number(&d, 4, 6) <= 31)
}

pub(super) fn pl_pesel(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = (10 - weighted(d.get(..10)?, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10;
    pass(check == *d.last()? && date(number(&d, 2, 4) % 20, number(&d, 4, 6)))
}

pub(super) fn pt_nif(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 9)?;
    let check = (11 - weighted(d.get(..8)?, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
    pass(check == *d.last()? && *d.first()? != 0)
}

pub(super) fn se_pnr(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    let d = d.get(d.len().checked_sub(10)?..)?;
    let day = number(d, 4, 6);
    pass(matches!(v.len(), 10 | 12) && luhn(d) && date(number(d, 2, 4), if day > 60 { day - 60 } else { day }))
}

pub(super) fn fi_hetu(v: &[u8]) -> Option<Verdict> {
    // With `-` or `+` for the century the value has ten letters and digits, with a letter eleven.
    let body = v.get(..6)?;
    let rest = v.get(v.len().checked_sub(4)?..)?;
    let century = v.get(6).filter(|_| v.len() == 11);
    let d = digits(body)?;
    let serial = digits(rest.get(..3)?)?;
    let mut all = d.clone();
    all.extend_from_slice(&serial);
    let expected = b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(usize::try_from(remainder(&all, 31)).ok()?)?;
    let known = century.is_none_or(|c| b"ABCDEFUVWXY".contains(c));
    pass(
        matches!(v.len(), 10 | 11)
            && known
            && date(number(&d, 2, 4), number(&d, 0, 2))
            && rest.last() == Some(expected),
    )
}

pub(super) fn dk_cpr(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    pass(date(number(&d, 2, 4), number(&d, 0, 2)) && !uniform(&d))
}

pub(super) fn no_fnr(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let first = (11 - weighted(d.get(..9)?, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - weighted(d.get(..10)?, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let day = number(&d, 0, 2);
    let month = number(&d, 2, 4) % 40;
    pass(d.get(9..11)? == [first, second] && date(month, if day > 40 { day - 40 } else { day }))
}

pub(super) fn at_svnr(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let sum = weighted(&d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    pass(*d.first()? != 0 && sum == *d.get(3)? && number(&d, 4, 6) <= 31 && number(&d, 6, 8) <= 15)
}

pub(super) fn ch_ahv(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    let sum = weighted(d.get(..12)?, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    pass(v.starts_with(b"756") && (10 - sum % 10) % 10 == *d.last()?)
}

pub(super) fn ie_pps(v: &[u8]) -> Option<Verdict> {
    let d = digits(v.get(..7)?)?;
    let extra = match v.get(8) {
        // What a wife had after her husband's number, and other marks of old, count for nothing.
        None | Some(b'T' | b'W' | b'X') => 0,
        Some(letter) => base36(*letter)?.checked_sub(9)?,
    };
    let sum = (weighted(&d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * extra) % 23;
    let expected = b"WABCDEFGHIJKLMNOPQRSTUV".get(sum as usize)?;
    pass(matches!(v.len(), 8 | 9) && v.get(7) == Some(expected))
}

pub(super) fn cz_rc(v: &[u8]) -> Option<Verdict> {
    let d = digits(v)?;
    let month = number(&d, 2, 4);
    let month = [month, month.wrapping_sub(20), month.wrapping_sub(50), month.wrapping_sub(70)];
    let day = number(&d, 4, 6);
    let check = match v.len() {
        9 => number(&d, 0, 2) < 54,
        10 => number(&d, 0, 9) % 11 % 10 == *d.last()?,
        _ => false,
    };
    pass(check && month.iter().any(|m| date(*m, day)))
}

pub(super) fn ro_cnp(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    let check = match weighted(d.get(..12)?, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
        10 => 1,
        other => other,
    };
    // Counties, sectors of Bucharest, and what was given to who has neither.
    let county = matches!(number(&d, 7, 9), 1..=48 | 51 | 52 | 70 | 80..=83);
    pass(check == *d.last()? && *d.first()? != 0 && county && date(number(&d, 3, 5), number(&d, 5, 7)))
}

pub(super) fn bg_egn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let check = weighted(d.get(..9)?, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    pass(check == *d.last()? && date(number(&d, 2, 4) % 20, number(&d, 4, 6)))
}

pub(super) fn hr_oib(v: &[u8]) -> Option<Verdict> {
    pass(mod_11_10(&exactly(v, 11)?))
}

pub(super) fn gr_amka(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    pass(luhn(&d) && date(number(&d, 2, 4), number(&d, 0, 2)))
}

/// Estonia's isikukood and Lithuania's asmens kodas.
pub(super) fn baltic(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let body = d.get(..10)?;
    let check = match weighted(body, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => weighted(body, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        other => other,
    };
    pass(check == *d.last()? && matches!(d.first(), Some(1..=8)) && date(number(&d, 3, 5), number(&d, 5, 7)))
}

/// The JMBG of the states of former Yugoslavia, Slovenia's EMŠO among them.
pub(super) fn jmbg(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 13)?;
    // A remainder of one should give out no number; where it did the digit is 0.
    let check = (11 - weighted(d.get(..12)?, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
    pass(check == *d.last()? && date(number(&d, 2, 4), number(&d, 0, 2)))
}

pub(super) fn is_kt(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let check = (11 - weighted(d.get(..8)?, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let day = number(&d, 0, 2);
    pass(check == *d.get(8)? && matches!(d.last(), Some(0 | 8 | 9)) && date(number(&d, 2, 4), day % 40))
}

pub(super) fn tr_tckn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let odd = weighted(&d, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(&d, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = (odd * 7 + 100 - even) % 10;
    let last = d.get(..10)?.iter().sum::<u32>() % 10;
    pass(*d.first()? != 0 && d.get(9..11)? == [tenth, last])
}

/// Turkey's number of taxpayers: each digit is moved on by its place, and doubled as often, modulo 9.
pub(super) fn tr_vkn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    let (check, body) = d.split_last()?;
    let sum: u32 = (1..=9)
        .rev()
        .zip(body)
        .map(|(place, digit)| match (digit + place) % 10 {
            0 => 0,
            moved => match (moved << place) % 9 {
                0 => 9,
                rest => rest,
            },
        })
        .sum();
    pass((10 - sum % 10) % 10 == *check && !uniform(&d))
}

pub(super) fn ru_inn(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 12)?;
    let first = weighted(d.get(..10)?, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let second = weighted(d.get(..11)?, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    pass(d.get(10..12)? == [first, second] && !uniform(&d))
}

pub(super) fn ru_snils(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 11)?;
    let check = weighted(d.get(..9)?, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    pass(check == number(&d, 9, 11) && !uniform(&d))
}

pub(super) fn ua_rntrc(v: &[u8]) -> Option<Verdict> {
    let d = exactly(v, 10)?;
    // The first weight is -1, which is 10 modulo 11.
    let check = weighted(d.get(..9)?, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10;
    pass(check == *d.last()?)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};

    #[test]
    fn published_numbers_pass_and_changed_ones_do_not() {
        for (name, good, bad) in [
            ("gb_nino", "AB123456C", "QQ123456C"),
            ("gb_nhs", "9434765919", "9434765918"),
            ("de_steuerid", "86095742719", "86095742718"),
            ("fr_nir", "255081416802538", "255081416802539"),
            ("es_dni", "12345678Z", "12345678A"),
            ("es_dni", "X1234567L", "Y1234567L"),
            ("it_cf", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("nl_bsn", "111222333", "111222334"),
            ("be_nn", "85073003328", "85073003329"),
            ("pl_pesel", "44051401359", "44051401358"),
            ("pt_nif", "123456789", "123456788"),
            ("se_pnr", "8112289874", "8112289875"),
            ("fi_hetu", "131052308T", "131052308U"),
            ("dk_cpr", "0707614285", "3207614285"),
            ("no_fnr", "15108695088", "15108695089"),
            ("at_svnr", "1237010180", "1238010180"),
            ("ch_ahv", "7569217076985", "7569217076986"),
            ("ie_pps", "1234567FA", "1234567GA"),
            ("cz_rc", "7103192745", "7103192746"),
            ("ro_cnp", "1800101221144", "1800101221145"),
            ("bg_egn", "7523169263", "7523169264"),
            ("hr_oib", "94577403194", "94577403195"),
            ("gr_amka", "01013099997", "01013099998"),
            ("baltic", "36805280109", "36805280108"),
            ("baltic", "33309240064", "33309240065"),
            ("jmbg", "0101006500006", "0101006500007"),
            ("is_kt", "4504013150", "4504013160"),
            ("tr_tckn", "10000000146", "10000000147"),
            ("ru_inn", "500100732259", "500100732258"),
            ("ua_rntrc", "1759013776", "1759013777"),
            ("ru_snils", "11223344595", "11223344596"),
        ] {
            accepts(name, good);
            refuses(name, bad);
        }
    }
}
