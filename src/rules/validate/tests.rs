use proptest::prelude::*;

use super::*;

fn ask(name: &str, value: &str) -> Option<Verdict> {
    let checks = named(&[name.to_owned()]).unwrap();
    all(&checks, &Subject { value: value.as_bytes(), at: Timestamp::default() })
}

pub(super) fn accepts(name: &str, value: &str) {
    assert!(ask(name, value).is_some(), "{name} refuses {value}");
}

pub(super) fn refuses(name: &str, value: &str) {
    assert!(ask(name, value).is_none(), "{name} accepts {value}");
}

#[test]
fn checks_are_sorted_and_survive_any_value() {
    assert!(CHECKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let values: [&[u8]; 8] =
        [b"", b"0", b"9999999999999", b"AAAAAAAAAAAAAAAAAAAAA", b"\xff\xff", b"::", b"eyJ", b"12 3"];
    for (name, _) in CHECKS {
        for value in values {
            let _ = all(&named(&[(*name).to_owned()]).unwrap(), &Subject { value, at: Timestamp::default() });
        }
    }
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
    ("fr_nir", "255081416802538", 0, 2, 2),
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
            ask(name, std::str::from_utf8(&number).unwrap()).is_some()
        });
        prop_assert!(right.count() <= most, "{name}");
    }

    #[test]
    fn a_card_an_account_and_a_vehicle_have_one_check_each(body in "[0-9]{11}", account in "[0-9]{18}") {
        let cards = (0..10).filter(|n| ask("pan", &format!("4539{body}{n}")).is_some());
        prop_assert_eq!(cards.count(), 1);
        let accounts = (0..100).filter(|n| ask("iban", &format!("DE{n:02}{account}")).is_some()).count();
        prop_assert!((1..=2).contains(&accounts));
        let vehicles = "0123456789X".chars().filter(|c| ask("vin", &format!("1M8GDM9A{c}KP0{}", &body[..5])).is_some());
        prop_assert_eq!(vehicles.count(), 1);
    }
}
