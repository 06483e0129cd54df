//! How the names of a rule are spelled in text: the literals that lead to them.

use super::names::words;
use super::schema::Named;

/// In place of an anchor: every name leads to itself.
pub(super) const OWN: &str = "*";

/// Shortest spelling that leads to a name by itself, in bytes. A shorter one needs what may stand behind it.
const TELLING: usize = 6;

/// Longest word that is written with a dot, in letters.
const SHORT: usize = 4;

/// What a rule says leads to its names in text. Without anchors text is not searched for them.
pub(super) fn anchors(named: &Named) -> impl Iterator<Item = String> {
    named.anchors.iter().filter(|anchor| *anchor != OWN).map(|anchor| anchor.to_lowercase())
}

/// The spellings of the names of a rule that lead to them by themselves. Of names of one short word a rule says
/// itself what stands around them, or that nothing need ([`OWN`]).
pub(super) fn own(named: &Named) -> impl Iterator<Item = String> {
    let all = named.anchors.iter().any(|anchor| anchor == OWN);
    let several = |name: &String| name.trim_matches('*').contains(' ') && name.len() > TELLING;
    let names = named.names.iter().filter(|_| !named.anchors.is_empty());
    let names = names.filter(move |name| all || several(name) || !name.is_ascii());
    names.flat_map(|name| spellings(name)).flat_map(written)
}

/// A name in small letters: its words apart and together, and without their accents. Of other scripts one
/// word is enough: text seldom has it.
fn spellings(name: &str) -> Vec<String> {
    let name = name.trim_matches('*').to_lowercase();
    // Marks of Indic and Thai scripts, and what keeps their letters apart, belong to a word.
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '\u{900}'..='\u{e7f}' | '\u{200c}' | '\u{200d}');
    let own: Vec<&str> = name.split(|c| !letter(c)).filter(|word| !word.is_empty()).collect();
    if own.iter().any(|word| word.chars().all(|c| c > '\u{24f}' && !('\u{1e00}'..='\u{1eff}').contains(&c))) {
        return own.iter().max_by_key(|word| word.len()).map(|word| (*word).to_owned()).into_iter().collect();
    }
    let plain = words(&name);
    let mut all = vec![own.join(" "), plain.join("_"), plain.concat()];
    if !name.is_ascii() {
        all.push(own.concat());
    }
    // Short words may be abbreviations: `Mob. tel.`, `Geb. datum`, `No. HP`.
    let short = |n: usize, word: &str| word.is_ascii() && word.len() <= SHORT && (n == 0 || word.len() > 2);
    if own.len() == 2 {
        // As headers are: `api-key`.
        all.push(plain.join("-"));
    }
    if own.len() > 1 && own.iter().enumerate().any(|(n, word)| short(n, word)) {
        let ends = own.iter().enumerate().map(|(n, word)| if short(n, word) { ". " } else { " " });
        let dotted: String = own.iter().zip(ends).flat_map(|(word, end)| [*word, end]).collect();
        all.push(dotted.trim_end_matches([' ', '.']).to_owned());
    }
    all.dedup();
    all
}

/// The literals of a spelling: itself, or with the signs that show that a name ends there.
fn written(spelling: String) -> Vec<String> {
    if spelling.len() >= TELLING || !spelling.is_ascii() {
        return vec![spelling];
    }
    if spelling.len() < 2 {
        return Vec::new();
    }
    let signs = [("\"", "\""), ("<", ">"), (">", "<"), ("", "="), ("", ":")];
    let all = signs.into_iter().map(|(before, after)| format!("{before}{spelling}{after}"));
    all.filter(|literal| literal.len() > TELLING / 2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_themselves_where_no_anchor_does() {
        assert_eq!(
            spellings("Número de cuenta"),
            ["número de cuenta", "numero_de_cuenta", "numerodecuenta", "númerodecuenta"]
        );
        assert_eq!(spellings("*номер телефона"), ["телефона"]);
        assert_eq!(spellings("số điện thoại")[1..], ["so_dien_thoai", "sodienthoai", "sốđiệnthoại"]);
        assert_eq!(written("dob".to_owned()), ["\"dob\"", "<dob>", ">dob<", "dob=", "dob:"]);
        assert_eq!(spellings("geb datum"), ["geb datum", "geb_datum", "gebdatum", "geb-datum", "geb. datum"]);
        assert_eq!(written("account".to_owned()), ["account"]);
    }
}
