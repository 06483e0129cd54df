//! Grades what a server chose and the certificates both sides showed. Pure: facts in, verdicts out.

use std::net::IpAddr;

use super::certificate::common_name;
use super::exchange::Group;
use super::names;
use crate::model::event::Grade;
use crate::model::time::Timestamp;
use crate::model::tls::Certificate;

/// Something weak, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Kind of finding.
    pub(super) kind: &'static str,
    /// The graded value.
    pub(super) value: String,
    /// A sentence with the facts.
    pub(super) note: String,
    pub(super) grade: Grade,
}

/// Grades a protocol version.
pub(super) fn version(name: &str) -> Option<Verdict> {
    let (grade, document) = match name {
        "SSLv2" => (Grade::Broken, "RFC 6176"),
        "SSLv3" => (Grade::Broken, "RFC 7568"),
        "TLSv1.0" | "TLSv1.1" => (Grade::Weak, "RFC 8996"),
        _ => return None,
    };
    let note = format!("The server chose {name}, which {document} forbids.");
    Some(Verdict { kind: "tls.version", value: name.to_owned(), note, grade })
}

/// Grades a cipher suite by its name.
pub(super) fn cipher(name: &str) -> Option<Verdict> {
    let mut flaws: Vec<(Grade, &str)> = Vec::new();
    let words: Vec<&str> = name.split('_').collect();
    let has = |word: &str| words.contains(&word);
    let integrity_only = matches!(name, "TLS_SHA256_SHA256" | "TLS_SHA384_SHA384");
    if has("NULL") || integrity_only {
        flaws.push((Grade::Broken, "nothing is encrypted"));
    }
    if has("anon") || name == "TLS_NULL_WITH_NULL_NULL" {
        flaws.push((Grade::Broken, "the server is not authenticated"));
    }
    if words.iter().any(|w| w.starts_with("EXPORT")) {
        flaws.push((Grade::Broken, "the key has export strength"));
    }
    if has("RC4") {
        flaws.push((Grade::Weak, "RC4 is forbidden by RFC 7465"));
    }
    if has("3DES") || has("EDE3") {
        flaws.push((Grade::Weak, "3DES has blocks of 64 bits (Sweet32)"));
    } else if words.iter().any(|w| w.starts_with("DES")) {
        flaws.push((Grade::Broken, "DES has a key of 56 bits or less"));
    }
    for (word, flaw) in [
        ("RC2", "RC2 is obsolete"),
        ("IDEA", "IDEA has blocks of 64 bits (Sweet32)"),
        ("28147", "GOST 28147-89 has blocks of 64 bits"),
        ("FORTEZZA", "FORTEZZA is obsolete"),
    ] {
        if has(word) {
            flaws.push((Grade::Weak, flaw));
        }
    }
    if has("SEED") {
        flaws.push((Grade::Dated, "SEED is obsolete"));
    }
    if words.last() == Some(&"MD5") {
        flaws.push((Grade::Dated, "messages are authenticated with MD5"));
    }
    if !is_forward_secret(name) {
        flaws.push((
            Grade::Dated,
            "there is no forward secrecy: whoever gets the long-term key reads what was recorded",
        ));
    }
    let grade = flaws.iter().map(|(grade, _)| *grade).max()?;
    let reasons = flaws.iter().map(|(_, flaw)| *flaw).collect::<Vec<_>>().join("; ");
    Some(Verdict {
        kind: "tls.cipher",
        value: name.to_owned(),
        note: format!("The server chose {name}: {reasons}."),
        grade,
    })
}

/// Whether the keys of a session do not follow from the long-term key. Names without an exchange are
/// those of TLS 1.3, and numbers nobody knows.
fn is_forward_secret(name: &str) -> bool {
    let exchange = match name.split_once("_WITH_") {
        Some((exchange, _)) => exchange,
        // TLCP: `ECC_SM4_CBC_SM3`.
        None if name.starts_with("ECDHE_") || name.starts_with("TLS_") || name.starts_with("0x") => return true,
        None => name,
    };
    let ephemeral = |word: &str| matches!(word, "DHE" | "ECDHE" | "anon" | "SRP" | "ECCPWD" | "ECJPAKE");
    exchange.split('_').any(ephemeral)
}

/// Grades a compression method (RFC 3749).
pub(super) fn compression(method: u8) -> Option<Verdict> {
    let name = match method {
        0 => return None,
        1 => "DEFLATE".to_owned(),
        64 => "LZS".to_owned(),
        other => format!("method {other}"),
    };
    let note = format!("The server chose compression ({name}), which lets secrets be guessed from lengths (CRIME).");
    Some(Verdict { kind: "tls.compression", value: name, note, grade: Grade::Weak })
}

/// Grades a key exchange group.
pub(super) fn group(group: Group) -> Option<Verdict> {
    let value = group.name();
    let (grade, note) = match group {
        Group::Prime(bits @ ..2048) => {
            let grade = if bits < 1024 { Grade::Broken } else { Grade::Weak };
            (grade, format!("The Diffie-Hellman group has {bits} bits; less than 2048 can be attacked (Logjam)."))
        }
        Group::Named(0xff01 | 0xff02) => {
            (Grade::Dated, "The server chose a curve of its own, which RFC 8422 forbids.".to_owned())
        }
        Group::Named(number @ (1..=5 | 15..=19)) => {
            let name = names::group(number);
            (Grade::Weak, format!("The curve {name} has less than 224 bits."))
        }
        _ => return None,
    };
    Some(Verdict { kind: "tls.group", value, note, grade })
}

/// Whose certificate it is, and what it has to be good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    /// The client's own, not the server's.
    pub(super) client: bool,
    /// The name it has to be valid for.
    pub(super) server_name: Option<&'a str>,
    /// When it was shown.
    pub(super) at: Timestamp,
}

/// Grades a chain, the sender's own certificate first. Of those above it, the self-signed are roots,
/// which have to be trusted by other means anyway.
pub(super) fn chain(chain: &[Certificate], holder: Holder<'_>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (place, certificate) in chain.iter().enumerate().filter(|(place, c)| *place == 0 || !c.self_signed) {
        if certificate.key.is_empty() {
            continue;
        }
        let who = match (place, holder.client) {
            (0, true) => "client certificate",
            (0, false) => "server certificate",
            _ => "intermediate certificate",
        };
        let value = label(certificate);
        let mut add = |kind, grade, facts: String| {
            // A better chain may lead past a bad intermediate certificate.
            let grade = if place == 0 { grade } else { Grade::Dated };
            verdicts.push(Verdict { kind, value: value.clone(), note: format!("The {who} {facts}."), grade });
        };
        own(certificate, holder.at, &mut add);
        if place > 0 {
            continue;
        }
        if certificate.self_signed {
            add("cert.self_signed", Grade::Weak, "is signed by its own holder: no authority vouches for it".to_owned());
        }
        if let Some(name) = holder.server_name.filter(|name| !holder.client && !is_valid_for(certificate, name)) {
            let names = valid_names(certificate).join(", ");
            let names = if names.is_empty() { "no name".to_owned() } else { names };
            add("cert.name_mismatch", Grade::Weak, format!("is for {names}; the client asked for {name}"));
        }
    }
    verdicts
}

/// 1 January 1994. Packets from before SSL was invented have no real time.
const BEGINNING: Timestamp = Timestamp::from_parts(757_382_400, 0);

/// What is weak in a certificate by itself.
fn own(certificate: &Certificate, at: Timestamp, add: &mut dyn FnMut(&'static str, Grade, String)) {
    if at < BEGINNING {
        // The capture does not say when it was made.
    } else if certificate.not_after < at {
        add("cert.expired", Grade::Weak, format!("expired on {}, before {at}", certificate.not_after));
    } else if certificate.not_before > at {
        let from = certificate.not_before;
        add("cert.not_yet_valid", Grade::Weak, format!("is valid from {from} on, after {at}"));
    }
    let (key, bits) = (certificate.key.as_str(), certificate.key_bits);
    let (weak, broken) = match key {
        "RSA" | "DSA" => (2048, 1024),
        "EC" => (224, 160),
        _ => (0, 0),
    };
    if (1..weak).contains(&bits) {
        let grade = if bits < broken { Grade::Broken } else { Grade::Weak };
        add("cert.weak_key", grade, format!("has an {key} key of {bits} bits; {weak} is the least"));
    }
    if let Some(grade) = signature(&certificate.signature) {
        add("cert.weak_signature", grade, format!("is signed with {}", certificate.signature));
    }
}

/// Grades a signature algorithm by its name.
fn signature(name: &str) -> Option<Grade> {
    let name = name.to_ascii_lowercase();
    if ["md2", "md4", "md5"].iter().any(|hash| name.contains(hash)) || name.starts_with("shawith") {
        Some(Grade::Broken)
    } else if name.contains("sha1") || name == "dsawithsha" {
        Some(Grade::Weak)
    } else {
        None
    }
}

/// What a certificate is called: its subject, else its first name, else its digest.
fn label(certificate: &Certificate) -> String {
    let subject = Some(&certificate.subject).filter(|s| !s.is_empty());
    subject.or(certificate.names.first()).unwrap_or(&certificate.sha256).clone()
}

/// The names a certificate is valid for: the common name counts only where there is nothing better.
fn valid_names(certificate: &Certificate) -> Vec<&str> {
    let names = certificate.names.iter().map(String::as_str);
    let addresses_alone = certificate.names.iter().all(|name| name.parse::<IpAddr>().is_ok());
    names.chain(common_name(&certificate.subject).filter(|_| addresses_alone)).collect()
}

/// RFC 6125 section 6.4: a wildcard stands for one whole label, the leftmost.
fn is_valid_for(certificate: &Certificate, name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let address = name.parse::<IpAddr>().ok();
    valid_names(certificate).into_iter().any(|pattern| {
        if let Some(address) = address {
            return pattern.parse() == Ok(address);
        }
        let pattern = pattern.strip_suffix('.').unwrap_or(pattern);
        match pattern.strip_prefix("*.") {
            Some(parent) => name.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => pattern.eq_ignore_ascii_case(name),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(name: &str) -> Option<Grade> {
        cipher(name).map(|v| v.grade)
    }

    #[test]
    fn modern_suites_are_not_graded() {
        for name in [
            "TLS_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            "TLS_DHE_PSK_WITH_AES_128_CCM",
            "TLS_SRP_SHA_WITH_AES_128_CBC_SHA",
            "ECDHE_SM4_CBC_SM3",
            "0xfffe",
        ] {
            assert_eq!(cipher(name), None, "{name}");
        }
    }

    #[test]
    fn every_flaw_of_a_suite_is_named_and_the_worst_gives_the_grade() {
        assert_eq!(grade("TLS_RSA_WITH_AES_128_GCM_SHA256"), Some(Grade::Dated));
        assert_eq!(grade("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"), Some(Grade::Weak));
        assert_eq!(grade("TLS_DHE_RSA_WITH_DES_CBC_SHA"), Some(Grade::Broken));
        assert_eq!(grade("TLS_DH_anon_WITH_AES_128_GCM_SHA256"), Some(Grade::Broken));
        assert_eq!(grade("SSL2_DES_192_EDE3_CBC_WITH_MD5"), Some(Grade::Weak));
        assert_eq!(grade("TLS_ECDHE_ECDSA_WITH_NULL_SHA"), Some(Grade::Broken));
        let note = cipher("TLS_RSA_EXPORT_WITH_RC4_40_MD5").unwrap().note;
        for flaw in ["export", "RC4", "MD5", "forward secrecy"] {
            assert!(note.contains(flaw), "{flaw} in {note}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let certificate = Certificate { names: vec!["*.a.example".into(), "::1".into()], ..Certificate::default() };
        assert!(is_valid_for(&certificate, "WWW.a.example."));
        assert!(is_valid_for(&certificate, "0:0::1"));
        for name in ["a.example", "x.y.a.example", "www.b.example", "10.0.0.1"] {
            assert!(!is_valid_for(&certificate, name), "{name}");
        }
    }

    #[test]
    fn a_root_further_up_is_no_weakness_and_an_intermediate_is() {
        let weak = |self_signed| Certificate {
            key: "RSA".into(),
            key_bits: 1024,
            not_after: Timestamp::from_parts(900_000_001, 0),
            self_signed,
            ..Certificate::default()
        };
        let holder = Holder { client: false, server_name: None, at: Timestamp::from_parts(900_000_000, 0) };
        let fine = Certificate { key_bits: 2048, ..weak(false) };
        assert_eq!(chain(&[fine.clone(), weak(true)], holder), []);
        assert_eq!(chain(&[fine, weak(false)], holder).len(), 1);
        let kinds: Vec<_> = chain(&[weak(true)], holder).iter().map(|v| v.kind).collect();
        assert_eq!(kinds, ["cert.weak_key", "cert.self_signed"]);
    }
}
