//! What every check promises: numbers that its authority or python-stdnum publish, and numbers made at
//! random, with one of their digits changed.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config, TestRunner};

use super::*;

fn ask(name: &str, value: &[u8]) -> Option<Verdict> {
    let checks = named(&[name.to_owned()]).unwrap();
    all(&checks, &Subject { value, at: Timestamp::default() })
}

pub(super) fn accepts(name: &str, value: &str) {
    assert!(ask(name, value.as_bytes()).is_some(), "{name} refuses {value}");
}

pub(super) fn refuses(name: &str, value: &str) {
    assert!(ask(name, value.as_bytes()).is_none(), "{name} accepts {value}");
}

#[test]
fn checks_are_sorted_and_survive_any_value() {
    assert!(CHECKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let values: [&[u8]; 8] =
        [b"", b"0", b"9999999999999", b"AAAAAAAAAAAAAAAAAAAAA", b"\xff\xff", b"::", b"eyJ", b"12 3"];
    for (name, _) in CHECKS {
        for value in values {
            let _ = ask(name, value);
        }
    }
}

/// The examples of python-stdnum's documentation: a check, what it accepts, what it refuses.
const PUBLISHED: &[(&str, &[&str], &[&str])] = &[
    ("ar_cuit", &["20055361682", "20267565393"], &["20267565392"]),
    ("at_svnr", &["1237010180"], &["2237010180"]),
    ("au_tfn", &["123456782"], &["999999999"]),
    ("baltic", &["36805280109", "33309240064"], &["36805280108", "33309240164"]),
    ("be_nn", &["85073003328", "17073003384"], &["12345678901"]),
    ("bg_egn", &["7523169263", "8032056031", "7542011030"], &["7552A10004", "8019010008"]),
    ("br_cnpj", &["16727230000197"], &["16727230000198"]),
    ("br_cpf", &["39053344705"], &["23100299900"]),
    ("ca_sin", &["123456782"], &["999999999", "12345678Z", "823456785"]),
    ("ch_ahv", &["7569217076985"], &["7569217076984", "1234567891019"]),
    ("cl_rut", &["760864285", "125319092"], &["125319093", "76086A285"]),
    ("cn_ric", &["360426199101010071"], &["360426199101010072"]),
    ("co_nit", &["2131234321"], &["2131234325"]),
    ("cz_rc", &["7103192745"], &["7103192746", "1103492745", "590312123"]),
    ("de_steuerid", &["36574261809"], &["36574261890", "36554266806"]),
    ("dk_cpr", &["2110625629", "2110620629"], &["5110625629"]),
    ("do_cedula", &["00113918205"], &["00113918204", "0011391820A"]),
    ("ec_ci", &["1714307103"], &["1714307104", "171430710"]),
    ("es_ccc", &["12341234161234567890"], &["12341234161234567891"]),
    ("es_dni", &["54362315K", "X2482300W"], &["54362315Z", "54362315", "X2482300A", "X2482300"]),
    ("fi_hetu", &["131052308T", "131052A308T"], &["131052308U", "310252308Y"]),
    ("fr_nir", &["295109912611193", "253072B07300470", "253072A07300443"], &["295109912611199", "253072C07300443"]),
    ("gb_nhs", &["9434765870"], &["9434765871"]),
    ("gr_amka", &["01013099997"], &["01013099999"]),
    ("hr_oib", &["33392005961"], &["33392005962"]),
    ("iban", &["GR1601101050000010547023795", "BE31435411161155", "ME25510000000006234133"], &["BE32435411161155"]),
    (
        "id_nik",
        &["3171011708450001", "3171015708450001", "3171012902001234"],
        &["9971011708450001", "3171013002001234"],
    ),
    ("ie_pps", &["6433435F", "6433435FT", "6433435FW", "6433435OA", "6433435IH"], &["6433435E", "6433435VH"]),
    ("il_id", &["039337423"], &["039337422", "490154203237518"]),
    ("imei", &["354178036859789", "356868000041418"], &["354178036859781"]),
    ("in_aadhaar", &["234123412346"], &["234123412347", "123412341234", "643343121", "222222222222"]),
    ("in_pan", &["ACUPA7085R", "AAPPV8261K"], &["ABMXA3211G", "ACUPA0000R"]),
    ("is_kt", &["4504013150", "1201743399"], &["5305750299", "3201743399"]),
    ("it_cf", &["RCCMNL83S18D969H"], &["RCCMNL83S18D969"]),
    ("jmbg", &["0101006500006"], &["0101006500007"]),
    ("jp_mynumber", &["621498320257"], &["621498320258", "62149832025X"]),
    ("kr_rrn", &["9710139019902"], &[]),
    ("mx_curp", &["BOXW310820HNERXN09"], &["BOXW310820HNERXN08"]),
    ("my_nric", &["770305021234"], &["771305021234", "770305171234"]),
    ("nl_bsn", &["111222333"], &["111252333", "1112223334"]),
    ("no_account", &["86011117947"], &["86011117949"]),
    ("no_fnr", &["15108695088"], &["15108695077"]),
    ("nz_ird", &["49091850", "49098576"], &["136410133", "9125568"]),
    ("pl_pesel", &["44051401359", "02122401358", "02211307589"], &["44051401358", "02381307589"]),
    ("pt_nif", &["501964843"], &["501964842"]),
    ("ro_cnp", &["1630615123457"], &["0800101221142", "1632215123457", "1630615993454", "1630615123458"]),
    ("ru_inn", &["123456789047"], &["123456789037"]),
    ("se_pnr", &["8803200016", "8901023286", "8112289841"], &["8803200018"]),
    ("th_pin", &["3100600445635", "1234545678781"], &["1234545678789"]),
    ("tr_vkn", &["4540536920"], &["4540536921"]),
    ("tr_tckn", &["17291716060"], &["17291716050", "1729171606", "07291716092"]),
    ("ua_rntrc", &["1759013776", "2530414071"], &["1759013770", "12345"]),
    ("us_aba", &["111000025"], &["11100002", "11100002B", "112000025"]),
    ("us_itin", &["912903456"], &["123456789", "912934567"]),
    ("us_ssn", &["536904399"], &["666000000", "078051120"]),
    ("za_id", &["7503305044089"], &["8503305044089", "9125568"]),
];

#[test]
fn numbers_that_are_published_are_judged_as_published() {
    let mut wrong = Vec::new();
    for (name, good, bad) in PUBLISHED {
        let refused = good.iter().filter(|value| ask(name, value.as_bytes()).is_none());
        wrong.extend(refused.map(|value| format!("{name} refuses {value}")));
        let accepted = bad.iter().filter(|value| ask(name, value.as_bytes()).is_some());
        wrong.extend(accepted.map(|value| format!("{name} accepts {value}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a check finds.
#[derive(Clone, Copy, PartialEq)]
enum Finds {
    /// Any one wrong digit.
    Every,
    /// A wrong check digit; of the others only most, as two remainders share a digit, or a weight one
    /// with the modulus.
    Check,
}

use Finds::{Check as Own, Every};

/// How numbers of a kind are made: a check, what to write (an expression, with `#` for each check digit),
/// what a check digit may be, and what is found.
const MADE: &[(&str, &str, &str, Finds)] = &[
    ("ar_cuit", "(20|27|30)[0-9]{8}#", DIGITS, Own),
    ("at_svnr", "[1-9][0-9]{2}#[0-2][1-9]0[1-9][0-9]{2}", DIGITS, Every),
    ("at_tin", "[0-9]{8}#", DIGITS, Every),
    ("au_ihi", "80036[0-9]{10}#", DIGITS, Every),
    ("au_medicare", "[2-6][0-9]{7}#[0-9]", DIGITS, Own),
    ("au_tfn", "[0-9]{8}#", DIGITS, Every),
    ("baltic", "[1-6][0-9]{2}0[1-9][0-2][1-8][0-9]{3}#", DIGITS, Own),
    ("be_nn", "[0-9]{2}0[1-9][0-2][1-8][0-9]{3}##", DIGITS, Own),
    ("bg_egn", "[0-9]{2}0[1-9][0-2][1-8][0-9]{3}#", DIGITS, Own),
    ("bg_lnch", "[0-9]{9}#", DIGITS, Own),
    ("br_cnh", "[0-9]{9}##", DIGITS, Own),
    ("br_cnpj", "[0-9]{12}##", DIGITS, Own),
    ("br_cpf", "[0-9]{9}##", DIGITS, Own),
    ("br_pis", "1[0-9]{9}#", DIGITS, Own),
    ("br_titulo", "[0-9]{8}0[3-9]##", DIGITS, Own),
    ("by_unp", "[1-7][0-9]{7}#", DIGITS, Every),
    ("ca_ohip", "[1-9][0-9]{8}#", DIGITS, Every),
    ("ca_phn", "9[0-9]{8}#", DIGITS, Own),
    ("ca_sin", "[1-7][0-9]{7}#", DIGITS, Every),
    ("ch_ahv", "756[0-9]{9}#", DIGITS, Every),
    ("cl_rut", "[1-9][0-9]{7}#", "0123456789K", Every),
    ("cn_ric", "[1-8][1-9][0-9]{4}19[0-9]{2}0[1-9][0-2][1-8][0-9]{3}#", "0123456789X", Every),
    ("co_nit", "[1-9][0-9]{8}#", DIGITS, Own),
    ("cz_rc", "[0-9]{2}0[1-9][0-2][1-8][0-9]{3}#", DIGITS, Own),
    ("de_kvnr", "[A-Z][0-9]{8}#", DIGITS, Every),
    ("de_rvnr", "[1-9][0-9][0-2][1-8]0[1-9][0-9]{2}[A-Z][0-9]{2}#", DIGITS, Own),
    ("de_steuerid", "12345678[0-9]{2}#", DIGITS, Every),
    ("do_cedula", "[0-9]{10}#", DIGITS, Every),
    ("ec_ci", "1[0-9][0-5][0-9]{6}#", DIGITS, Every),
    ("es_ccc", "[0-9]{8}##[0-9]{10}", DIGITS, Own),
    ("es_dni", "[0-9XYZ][0-9]{7}#", LETTERS, Every),
    ("es_nuss", "28[1-9][0-9]{7}##", DIGITS, Every),
    ("fi_hetu", "[0-2][1-8]0[1-9][0-9]{2}[0-9]{3}#", "0123456789ABCDEFHJKLMNPRSTUVWXY", Every),
    ("fr_nir", "[12][0-9]{2}0[1-9][0-9]{2}[0-9]{6}##", DIGITS, Every),
    ("gb_chi", "[0-2][1-8]0[1-9][0-9]{5}#", DIGITS, Own),
    ("gb_nhs", "[0-9]{9}#", DIGITS, Every),
    ("gb_utr", "#[0-9]{9}", DIGITS, Own),
    ("gh_tin", "C[0-9]{9}#", "0123456789X", Every),
    ("gr_amka", "[0-2][1-8]0[1-9][0-9]{6}#", DIGITS, Every),
    ("gt_nit", "[1-9][0-9]{6}#", "0123456789K", Every),
    ("hk_hkid", "[A-Z]{1,2}[0-9]{6}#", "0123456789A", Every),
    ("hr_oib", "[0-9]{10}#", DIGITS, Every),
    ("iban", "DE##[0-9]{18}", DIGITS, Every),
    ("iban", "GB##[A-Z]{4}[0-9]{14}", DIGITS, Every),
    ("ie_pps", "[0-9]{7}#[A-I]?", LETTERS, Every),
    ("il_id", "[0-9]{8}#", DIGITS, Every),
    ("imei", "35[0-9]{12}#", DIGITS, Every),
    ("in_aadhaar", "[2-9][0-9]{10}#", DIGITS, Every),
    ("in_epic", "[A-Z]{3}[0-9]{6}#", DIGITS, Every),
    ("in_vid", "[2-9][0-9]{14}#", DIGITS, Every),
    ("is_kt", "[0-2][1-8]0[1-9][0-9]{4}#[09]", DIGITS, Own),
    ("it_cf", "[A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-2][1-8][A-Z][0-9]{3}#", LETTERS, Every),
    ("jmbg", "[0-2][1-8]0[1-9]9[0-9]{7}#", DIGITS, Own),
    ("jp_mynumber", "[0-9]{11}#", DIGITS, Own),
    ("mrz", "[A-Z0-9]{9}#UTO[0-9]{6}#F[0-9]{6}#[A-Z<]{16}", DIGITS, Every),
    ("mx_clabe", "[0-9]{17}#", DIGITS, Every),
    ("mx_curp", "[A-Z]{4}[0-9]{2}0[1-9][0-2][1-8][HM][A-Z]{5}[0-9A-Z]#", DIGITS, Own),
    ("mx_nss", "[0-9]{10}#", DIGITS, Every),
    ("mz_nuit", "[1-4][0-9]{7}#", DIGITS, Own),
    ("nl_bsn", "[0-9]{8}#", DIGITS, Every),
    ("no_account", "[0-9]{10}#", DIGITS, Own),
    ("no_fnr", "[0-2][1-8]0[1-9][0-9]{5}##", DIGITS, Every),
    ("nz_ird", "[1-9][0-9]{7}#", DIGITS, Own),
    ("nz_nhi", "[A-Z]{3}[0-9]{3}#", DIGITS, Own),
    ("nz_nhi", "[A-Z]{3}[0-9]{2}[A-Z]#", LETTERS, Every),
    ("pan", "(4|51|2221|6011)[0-9]{11}#", DIGITS, Every),
    ("pe_ruc", "10[0-9]{8}#", DIGITS, Own),
    ("pl_dowod", "[A-Z]{3}#[0-9]{5}", DIGITS, Own),
    ("pl_nip", "[1-9][0-9]{8}#", DIGITS, Every),
    ("pl_nrb", "##[0-9]{24}", DIGITS, Own),
    ("pl_pesel", "[0-9]{2}0[1-9][0-2][1-8][0-9]{4}#", DIGITS, Every),
    ("pt_cc", "[0-9]{9}[A-Z]{2}#", DIGITS, Every),
    ("pt_nif", "[1-9][0-9]{7}#", DIGITS, Own),
    ("pt_niss", "[12][0-9]{9}#", DIGITS, Own),
    ("py_ruc", "[1-9][0-9]{6}#", DIGITS, Own),
    ("ro_cnp", "[1-8][0-9]{2}0[1-9][0-2][1-8]12[0-9]{3}#", DIGITS, Own),
    ("ru_inn", "[0-9]{10}##", DIGITS, Own),
    ("ru_snils", "[0-9]{9}##", DIGITS, Own),
    ("se_pnr", "[0-9]{2}0[1-9][0-2][1-8][0-9]{3}#", DIGITS, Every),
    ("sg_nric", "[STFGM][0-9]{7}#", LETTERS, Every),
    ("sv_nit", "0614[0-2][1-8]0[1-9][0-9]{2}[2-9][0-9]{2}#", DIGITS, Own),
    ("th_pin", "[1-8][0-9]{11}#", DIGITS, Own),
    ("tr_tckn", "[1-9][0-9]{8}##", DIGITS, Every),
    ("tr_vkn", "[0-9]{9}#", DIGITS, Every),
    ("tw_id", "[A-Z][12][0-9]{7}#", DIGITS, Own),
    ("ua_rntrc", "[0-9]{9}#", DIGITS, Own),
    ("us_aba", "0[1-9][0-9]{6}#", DIGITS, Every),
    ("us_dea", "[A-Z]{2}[0-9]{6}#", DIGITS, Own),
    ("us_npi", "1[0-9]{8}#", DIGITS, Every),
    ("vin", "[A-HJ-NPR-Z0-9]{8}#[A-HJ-NPR-Z0-9]{8}", "0123456789X", Every),
    ("vn_mst", "0[1-9][0-9]{7}#", DIGITS, Own),
    ("za_id", "[0-9]{2}0[1-9][0-2][1-8][0-9]{4}[01]8#", DIGITS, Every),
    ("za_tin", "[0-3][0-9]{8}#", DIGITS, Every),
];

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The number with check digits that its check accepts. Of all check digits one fits, or none: some
/// remainders have no digit.
fn completed(name: &str, written: &str, alphabet: &str) -> Result<Option<Vec<u8>>, TestCaseError> {
    let mut all: Vec<Vec<u8>> = vec![written.as_bytes().to_vec()];
    while all.iter().any(|value| value.contains(&b'#')) {
        all = all
            .iter()
            .flat_map(|value| {
                let place = value.iter().position(|b| *b == b'#').unwrap();
                alphabet.bytes().map(move |digit| {
                    let mut value = value.clone();
                    value[place] = digit;
                    value
                })
            })
            .collect();
    }
    all.retain(|value| ask(name, value).is_some());
    // A Belgian number may be of either century.
    let most = if name == "be_nn" { 2 } else { 1 };
    prop_assert!(all.len() <= most, "{} accepts {} of {}", name, all.len(), written);
    Ok(all.pop())
}

/// The number with another digit in each place that has one.
fn changed(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let places = value.iter().enumerate().filter(|(_, b)| b.is_ascii_digit());
    places.flat_map(move |(place, old)| {
        (b'0'..=b'9').filter(move |new| new != old).map(move |new| {
            let mut other = value.to_vec();
            other[place] = new;
            other
        })
    })
}

#[test]
fn numbers_made_at_random_pass_and_with_one_wrong_digit_do_not() {
    let mut wrong = Vec::new();
    for (name, form, alphabet, finds) in MADE {
        let passed = Cell::new(0);
        let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
        let made = runner.run(&string_regex(form).unwrap(), |written| {
            let Some(value) = completed(name, &written, alphabet)? else { return Ok(()) };
            passed.set(passed.get() + 1);
            for other in changed(&value).filter(|_| *finds == Every) {
                let (value, other) = (String::from_utf8_lossy(&value), String::from_utf8_lossy(&other));
                prop_assert!(ask(name, other.as_bytes()).is_none(), "{} accepts {} and {}", name, value, other);
            }
            Ok(())
        });
        match made {
            Ok(()) if passed.get() > 0 => {}
            Ok(()) => wrong.push(format!("{name} accepts no number")),
            Err(why) => wrong.push(why.to_string()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Numbers with check digits: a published one, where the check stands (from the end; how many digits),
/// and how many endings may be right for one body.
const CHECKED: &[(&str, &str, usize, usize, usize)] = &[
    ("ae_eid", "784198012345678", 0, 1, 1),
    ("ar_cuit", "20055361682", 0, 1, 1),
    ("at_svnr", "1237010180", 6, 1, 1),
    ("baltic", "36805280109", 0, 1, 1),
    ("be_nn", "85073003328", 0, 2, 2),
    ("bg_egn", "7523169263", 0, 1, 1),
    ("br_cnpj", "11222333000181", 0, 2, 1),
    ("br_cpf", "52998224725", 0, 2, 1),
    ("ca_sin", "130692544", 0, 1, 1),
    ("ch_ahv", "7569217076985", 0, 1, 1),
    ("co_nit", "2131234321", 0, 1, 1),
    ("cz_rc", "7103192745", 0, 1, 1),
    ("de_steuerid", "86095742719", 0, 1, 1),
    ("do_cedula", "00113918205", 0, 1, 1),
    ("ec_ci", "1714307103", 0, 1, 1),
    ("fr_nif", "3023217600053", 0, 3, 1),
    ("fr_nir", "255081416802538", 0, 2, 1),
    ("gb_nhs", "9434765919", 0, 1, 1),
    ("gr_afm", "094259216", 0, 1, 1),
    ("gr_amka", "01013099997", 0, 1, 1),
    ("hr_oib", "94577403194", 0, 1, 1),
    ("hu_adoazonosito", "8371092105", 0, 1, 1),
    ("hu_taj", "037687210", 0, 1, 1),
    ("il_id", "039337423", 0, 1, 1),
    ("imei", "490154203237518", 0, 1, 1),
    ("in_aadhaar", "999941057058", 0, 1, 1),
    ("ir_melli", "0084575948", 0, 1, 1),
    ("is_kt", "4504013150", 1, 1, 1),
    ("jmbg", "0101006500006", 0, 1, 1),
    ("jp_mynumber", "123456789018", 0, 1, 1),
    ("kw_civil", "285011201205", 0, 1, 1),
    ("kz_iin", "850311300126", 0, 1, 1),
    ("lu_matricule", "1893120105732", 0, 2, 1),
    ("lv_pk", "16117519997", 0, 1, 1),
    ("md_idnp", "2004001234567", 0, 1, 1),
    ("nl_bsn", "111222333", 0, 1, 1),
    ("no_fnr", "15108695088", 0, 2, 1),
    ("pl_pesel", "44051401359", 0, 1, 1),
    ("pt_nif", "123456789", 0, 1, 1),
    ("ro_cnp", "1800101221144", 0, 1, 1),
    ("ru_inn", "500100732259", 0, 2, 1),
    ("ru_snils", "11223344595", 0, 2, 1),
    ("sa_id", "1087654321", 0, 1, 1),
    ("se_pnr", "8112289874", 0, 1, 1),
    ("th_pin", "1234545678781", 0, 1, 1),
    ("tr_tckn", "10000000146", 0, 2, 1),
    ("tw_id", "A123456789", 0, 1, 1),
    ("ua_rntrc", "1759013776", 0, 1, 1),
    ("us_aba", "021000021", 0, 1, 1),
    ("us_dea", "AB1234563", 0, 1, 1),
    ("us_npi", "1234567893", 0, 1, 1),
    ("uy_ci", "12345672", 0, 1, 1),
    ("ve_rif", "V114702834", 0, 1, 1),
    ("za_id", "8001015009087", 0, 1, 1),
];

proptest! {
    /// Whatever the body, no more than its own check digits are right; and what is right stays so.
    #[test]
    fn of_all_check_digits_one_fits(which in 0..CHECKED.len(), at in 0..15usize, digit in b'0'..=b'9') {
        let (name, published, from_end, digits, most) = CHECKED[which];
        accepts(name, published);
        let mut number = published.as_bytes().to_vec();
        let check = number.len() - from_end - digits..number.len() - from_end;
        if at < number.len() && !check.contains(&at) && number[at].is_ascii_digit() {
            number[at] = digit;
        }
        let right = (0..10usize.pow(u32::try_from(digits).unwrap())).filter(|n| {
            number[check.clone()].copy_from_slice(format!("{n:0digits$}").as_bytes());
            ask(name, &number).is_some()
        });
        prop_assert!(right.count() <= most, "{name}");
    }

    #[test]
    fn a_card_an_account_and_a_vehicle_have_one_check_each(body in "[0-9]{11}", account in "[0-9]{18}") {
        let cards = (0..10).filter(|n| ask("pan", format!("4539{body}{n}").as_bytes()).is_some());
        prop_assert_eq!(cards.count(), 1);
        let accounts = (0..100).filter(|n| ask("iban", format!("DE{n:02}{account}").as_bytes()).is_some()).count();
        prop_assert_eq!(accounts, 1);
        let vehicles = "0123456789X".chars().filter(|c| ask("vin", format!("1M8GDM9A{c}KP0{}", &body[..5]).as_bytes()).is_some());
        prop_assert_eq!(vehicles.count(), 1);
    }
}
