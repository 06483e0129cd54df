//! Checks of a value that an expression cannot do: check digits, dates, encodings.

mod americas;
mod coin;
mod digits;
mod europe;
mod further;
mod health;
mod jwt;
mod money;
mod papers;
pub(super) mod secret;
mod world;

use crate::model::finding::{Confidence, Severity};
use crate::model::time::Timestamp;
use crate::model::why::{Fact, Why};

/// A value under examination.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The value. For numbers: its letters (in upper case) and digits alone.
    pub(super) value: &'a [u8],
    /// When it was sent.
    pub(super) at: Timestamp,
}

/// What a check that passed has to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// How sure the finding is because of it.
    pub(super) confidence: Option<Confidence>,
    /// A fact that helps; never a secret.
    pub(super) note: Option<String>,
    /// What it says for the finding.
    pub(super) facts: Why,
    /// A check did not pass, and the value is told all the same.
    pub(super) failed: bool,
}

impl Verdict {
    /// The verdict on a value that is published for tests.
    pub(super) fn for_tests(verdict: Option<Self>) -> Self {
        let failed = verdict.is_none();
        let known = verdict.unwrap_or_default();
        Self {
            confidence: if failed { Some(Confidence::Low) } else { known.confidence },
            note: Some("published for tests and documentation".to_owned()),
            facts: known.facts.and(Fact::TestValue),
            failed,
        }
    }

    /// How bad a finding is that would be this bad.
    pub(super) fn at_most(&self, severity: Severity) -> Severity {
        if self.facts.has(Fact::TestValue) { severity.min(Severity::Low) } else { severity }
    }
}

/// How a check is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// It looks at the value alone.
    Value(fn(&[u8]) -> Option<Verdict>),
    /// It looks at the time as well.
    Timed(fn(&Subject<'_>) -> Option<Verdict>),
}

use Check::{Timed, Value};

/// Every check by name.
const CHECKS: &[(&str, Check)] = &[
    ("ae_eid", Value(further::ae_eid)),
    ("al_nid", Value(papers::al_nid)),
    ("ar_cuit", Value(world::ar_cuit)),
    ("at_svnr", Value(europe::at_svnr)),
    ("at_tin", Value(papers::at_tin)),
    ("atlassian_crc32", Value(secret::atlassian_crc32)),
    ("au_ihi", Value(health::au_ihi)),
    ("au_medicare", Value(world::au_medicare)),
    ("au_tfn", Value(world::au_tfn)),
    ("baltic", Value(europe::baltic)),
    ("base58check", Value(coin::base58check)),
    ("base64_pair", Value(secret::base64_pair)),
    ("be_nn", Value(europe::be_nn)),
    ("bech32", Value(coin::bech32)),
    ("bg_egn", Value(europe::bg_egn)),
    ("bg_lnch", Value(papers::bg_lnch)),
    ("bic", Value(money::bic)),
    ("br_cnh", Value(americas::br_cnh)),
    ("br_cnpj", Value(world::br_cnpj)),
    ("br_cpf", Value(world::br_cpf)),
    ("br_pis", Value(americas::br_pis)),
    ("br_titulo", Value(americas::br_titulo)),
    ("by_unp", Value(papers::by_unp)),
    ("ca_ohip", Value(health::ca_ohip)),
    ("ca_phn", Value(health::ca_phn)),
    ("ca_ramq", Value(health::ca_ramq)),
    ("ca_sin", Value(world::ca_sin)),
    ("ch_ahv", Value(europe::ch_ahv)),
    ("cl_rut", Value(world::cl_rut)),
    ("cn_ric", Value(world::cn_ric)),
    ("co_nit", Value(world::co_nit)),
    ("cu_ni", Value(further::cu_ni)),
    ("cz_rc", Value(europe::cz_rc)),
    ("de_kvnr", Value(health::de_kvnr)),
    ("de_rvnr", Value(health::de_rvnr)),
    ("de_steuerid", Value(europe::de_steuerid)),
    ("dk_cpr", Value(europe::dk_cpr)),
    ("do_cedula", Value(world::do_cedula)),
    ("ec_ci", Value(world::ec_ci)),
    ("eg_nid", Value(further::eg_nid)),
    ("email", Value(secret::email)),
    ("es_ccc", Value(money::es_ccc)),
    ("es_dni", Value(europe::es_dni)),
    ("es_nuss", Value(papers::es_nuss)),
    ("eu_ehic", Value(health::eu_ehic)),
    ("fi_hetu", Value(europe::fi_hetu)),
    ("fr_nif", Value(further::fr_nif)),
    ("fr_nir", Value(europe::fr_nir)),
    ("gb_chi", Value(health::gb_chi)),
    ("gb_nhs", Value(europe::gb_nhs)),
    ("gb_nino", Value(europe::gb_nino)),
    ("gb_utr", Value(papers::gb_utr)),
    ("gh_tin", Value(papers::gh_tin)),
    ("github_crc32", Value(secret::github_crc32)),
    ("gr_afm", Value(further::gr_afm)),
    ("gr_amka", Value(europe::gr_amka)),
    ("gt_nit", Value(americas::gt_nit)),
    ("hk_hkid", Value(world::hk_hkid)),
    ("hr_oib", Value(europe::hr_oib)),
    ("hu_adoazonosito", Value(further::hu_adoazonosito)),
    ("hu_taj", Value(further::hu_taj)),
    ("iban", Value(money::iban)),
    ("id_nik", Value(world::id_nik)),
    ("ie_pps", Value(europe::ie_pps)),
    ("il_id", Value(world::il_id)),
    ("imei", Value(money::imei)),
    ("in_aadhaar", Value(world::in_aadhaar)),
    ("in_epic", Value(papers::in_epic)),
    ("in_pan", Value(world::in_pan)),
    ("in_vid", Value(papers::in_vid)),
    ("ir_melli", Value(further::ir_melli)),
    ("is_kt", Value(europe::is_kt)),
    ("it_cf", Value(europe::it_cf)),
    ("jmbg", Value(europe::jmbg)),
    ("jp_mynumber", Value(world::jp_mynumber)),
    ("jwt", Timed(jwt::check)),
    ("key_body", Value(secret::key_body)),
    ("kr_rrn", Value(world::kr_rrn)),
    ("kw_civil", Value(further::kw_civil)),
    ("kz_iin", Value(further::kz_iin)),
    ("lk_nic", Value(papers::lk_nic)),
    ("lu_matricule", Value(further::lu_matricule)),
    ("lv_pk", Value(further::lv_pk)),
    ("md_idnp", Value(further::md_idnp)),
    ("mrz", Value(money::mrz)),
    ("mu_nid", Value(further::mu_nid)),
    ("mx_clabe", Value(money::mx_clabe)),
    ("mx_curp", Value(world::mx_curp)),
    ("mx_nss", Value(americas::mx_nss)),
    ("mx_rfc", Value(americas::mx_rfc)),
    ("my_nric", Value(world::my_nric)),
    ("mz_nuit", Value(papers::mz_nuit)),
    ("nl_bsn", Value(europe::nl_bsn)),
    ("no_account", Value(money::no_account)),
    ("no_fnr", Value(europe::no_fnr)),
    ("not_a_path", Value(secret::not_a_path)),
    ("nz_ird", Value(world::nz_ird)),
    ("nz_nhi", Value(health::nz_nhi)),
    ("pair", Value(secret::pair)),
    ("pan", Value(money::pan)),
    ("paper", Value(papers::paper)),
    ("pe_cui", Value(further::pe_cui)),
    ("pe_ruc", Value(americas::pe_ruc)),
    ("phone", Value(secret::phone)),
    ("pk_cnic", Value(further::pk_cnic)),
    ("pl_dowod", Value(papers::pl_dowod)),
    ("pl_nip", Value(papers::pl_nip)),
    ("pl_nrb", Value(money::pl_nrb)),
    ("pl_pesel", Value(europe::pl_pesel)),
    ("pt_cc", Value(papers::pt_cc)),
    ("pt_nif", Value(europe::pt_nif)),
    ("pt_niss", Value(papers::pt_niss)),
    ("py_ruc", Value(americas::py_ruc)),
    ("random", Value(secret::random)),
    ("real_password", Value(secret::real_password)),
    ("ro_cnp", Value(europe::ro_cnp)),
    ("ru_inn", Value(europe::ru_inn)),
    ("ru_snils", Value(europe::ru_snils)),
    ("sa_id", Value(further::sa_id)),
    ("se_pnr", Value(europe::se_pnr)),
    ("sg_nric", Value(world::sg_nric)),
    ("ssn_text", Value(world::ssn_text)),
    ("sv_nit", Value(americas::sv_nit)),
    ("th_pin", Value(world::th_pin)),
    ("told_password", Value(secret::told_password)),
    ("tr_tckn", Value(europe::tr_tckn)),
    ("tr_vkn", Value(europe::tr_vkn)),
    ("track2", Value(money::track2)),
    ("tw_id", Value(world::tw_id)),
    ("ua_rntrc", Value(europe::ua_rntrc)),
    ("uneven", Value(money::uneven)),
    ("us_aba", Value(world::us_aba)),
    ("us_atin", Value(papers::us_atin)),
    ("us_dea", Value(world::us_dea)),
    ("us_itin", Value(world::us_itin)),
    ("us_mbi", Value(world::us_mbi)),
    ("us_npi", Value(world::us_npi)),
    ("us_ssn", Value(world::us_ssn)),
    ("uy_ci", Value(further::uy_ci)),
    ("ve_rif", Value(further::ve_rif)),
    ("vin", Value(money::vin)),
    ("vn_cccd", Value(papers::vn_cccd)),
    ("vn_mst", Value(papers::vn_mst)),
    ("za_id", Value(world::za_id)),
    ("za_tin", Value(papers::za_tin)),
];

/// The checks of these names.
pub(super) fn named(names: &[String]) -> Result<Vec<Check>, String> {
    names.iter().map(|name| find(name).ok_or_else(|| format!("unknown validator `{name}`"))).collect()
}

/// What all the checks say of a value; `None` when one fails.
pub(super) fn all(checks: &[Check], subject: &Subject<'_>) -> Option<Verdict> {
    let mut together = Verdict::default();
    for check in checks {
        let verdict = match check {
            Value(check) => check(subject.value)?,
            Timed(check) => check(subject)?,
        };
        together.confidence = match (together.confidence, verdict.confidence) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        together.note = verdict.note.or(together.note);
        let doubted = verdict.confidence == Some(Confidence::Low);
        together.facts = together.facts.join(verdict.facts).and(Fact::Checked).and_if(doubted, Fact::Doubted);
    }
    Some(together)
}

fn find(name: &str) -> Option<Check> {
    let at = CHECKS.binary_search_by(|(n, _)| (*n).cmp(name)).ok()?;
    CHECKS.get(at).map(|(_, check)| *check)
}

/// What it says of a value that it passed the check of this name.
pub(super) fn says(name: &str) -> String {
    let words = match name {
        "atlassian_crc32" | "github_crc32" => "the token's checksum is right",
        "base58check" | "bech32" => "its checksum is right",
        "base64_pair" | "pair" => "decodes to a name and a password",
        "bic" => "a code of a bank with a country in it",
        "email" => "an address that can exist",
        "iban" => "length of its country and check digits (mod 97)",
        "imei" => "Luhn check digit",
        "jwt" => "decodes to a signed token",
        "key_body" => "has the body of a key",
        "mrz" => "check digits of a travel document",
        "not_a_path" => "no path of a URL",
        "paper" => "letters and digits of a document's number",
        "pan" => "Luhn valid, with a brand's prefix and length",
        "phone" => "digits of a telephone number",
        "random" => "no placeholder",
        "real_password" => "no placeholder for a password",
        "told_password" => "no word of a sentence",
        "ssn_text" => "written as a social security number",
        "track2" => "layout of a magnetic stripe",
        "uneven" => "digits of a real number, not of a pattern",
        "vin" => "check digit of a vehicle's number",
        _ => return format!("check digits and dates are right (`{name}`)"),
    };
    words.to_owned()
}

/// A check that says nothing but yes or no.
fn pass(passed: bool) -> Option<Verdict> {
    passed.then(Verdict::default)
}

/// A check that proves the finding.
#[allow(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn sure() -> Option<Verdict> {
    Some(Verdict { confidence: Some(Confidence::High), ..Verdict::default() })
}

/// A check that makes the finding doubtful.
#[allow(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn unsure(why: &str) -> Option<Verdict> {
    Some(Verdict { confidence: Some(Confidence::Low), note: Some(why.to_owned()), ..Verdict::default() })
}

#[cfg(test)]
mod tests;
