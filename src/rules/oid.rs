//! Numbers of persons in records of health care stand under the object identifier of the register that gave
//! them out: `<id root="2.16.840.1.113883.4.1" extension="…"/>` of HL7 CDA, `"system":"urn:oid:…"` of FHIR.

/// Registers, by the names that rules know (<https://oidref.com>, <https://hl7.org/oid>, and the profiles of
/// the national organisations of HL7).
const REGISTERS: &[(&str, &str)] = &[
    ("1.2.208.176.1.2", "cpr"),
    ("1.2.246.21", "hetu"),
    ("1.2.250.1.213.1.4.2", "nir"),
    ("1.2.250.1.213.1.4.8", "nir"),
    ("1.2.40.0.10.1.4.3.1", "svnr"),
    ("1.2.752.129.2.1.3.1", "personnummer"),
    ("1.2.752.129.2.1.3.3", "samordningsnummer"),
    ("1.3.6.1.4.1.19126.3", "dni"),
    ("2.16.578.1.12.4.1.4.1", "fodselsnummer"),
    ("2.16.578.1.12.4.1.4.2", "d nummer"),
    ("2.16.756.5.32", "ahv nummer"),
    ("2.16.840.1.113883.13.237", "cpf"),
    ("2.16.840.1.113883.2.1.4.1", "nhs number"),
    ("2.16.840.1.113883.2.4.6.3", "bsn"),
    ("2.16.840.1.113883.2.9.4.3.2", "codice fiscale"),
    ("2.16.840.1.113883.3.4424.1.1.616", "pesel"),
    ("2.16.840.1.113883.4.1", "ssn"),
    ("2.16.840.1.113883.4.6", "npi"),
    ("2.16.840.1.113883.4.814", "dea number"),
    ("2.16.840.1.113883.4.927", "mbi"),
];

/// Shortest identifier of a register.
const SHORTEST: usize = 10;

/// The name of the register whose identifier stands in a text, the last one where there are several.
pub(super) fn register(text: &str) -> Option<&'static str> {
    if text.len() < SHORTEST {
        return None;
    }
    let numbers = text.rsplit(|c: char| !c.is_ascii_digit() && c != '.');
    numbers.filter(|number| number.len() >= SHORTEST).find_map(|number| {
        let found = REGISTERS.binary_search_by_key(&number, |(oid, _)| oid).ok()?;
        REGISTERS.get(found).map(|(_, name)| *name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_known_by_their_identifiers() {
        assert!(REGISTERS.is_sorted());
        assert_eq!(register("2.16.840.1.113883.4.1"), Some("ssn"));
        assert_eq!(register("use=\"x\" system=urn:oid:1.2.246.21 value"), Some("hetu"));
        assert_eq!(register("2.16.840.1.113883.4.11 and 10.0.0.1"), None);
    }
}
