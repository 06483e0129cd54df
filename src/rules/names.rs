//! Names of fields, in any spelling: `card_no`, `cardNo`, `Card No.` and `CARD-NO` are one name.
//!
//! A name is cut into words (at punctuation, at digits, where the case changes), folded to lower case
//! without accents, and looked up by its last words: `customer.billing.cardNo` ends in `card no`,
//! `password_hint` does not end in `password`. Of several endings that are known the longest counts.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use crate::model::finding::RuleIndex;

/// What a name means to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its values are what the rule looks for.
    For(RuleIndex),
    /// Its values are something else.
    Against(RuleIndex),
    /// Its values are nobody's secret.
    Ignored,
    /// Its values are accounts; of several the lowest rank is the account.
    Account(u16),
}

/// What is known about one name.
pub(super) type Roles = SmallVec<[Role; 4]>;

/// How a name is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// An identifier: its end decides.
    Key,
    /// The words before a value: what stands nearest to the value decides.
    Label,
}

/// Every name of every rule.
#[derive(Debug, Default)]
pub(super) struct Names {
    whole: HashMap<Box<str>, Roles>,
    endings: HashMap<Box<str>, Roles>,
    /// Words that say what a name is of whatever words follow them.
    beginnings: HashMap<Box<str>, Roles>,
    /// Names as they are written, with the underscore they begin with.
    private: HashMap<Box<str>, Roles>,
    /// Names in scripts that put no blanks between words.
    unspaced: Vec<Box<str>>,
}

/// Words of a name that are looked at.
const WORDS: usize = 8;

/// Words that one name of a rule may have.
const TOGETHER: usize = 5;

/// Letters of a word that an ending may add to a name, and that the name has at least.
const ENDING: usize = 3;
const STEM: usize = 6;

/// Words that say nothing at the end of a name: what kind of value it is, of whom, and which of several.
const FILLERS: &[&str] = &[
    "number num no nr value val field fld input txt raw plain clear nummer numero numer cislo szam numarasi \
     numara numeris numurs 番号 번호 号码 號碼 नंबर नं संख्या",
    // Suffixes of dynamic fields.
    "s ss str dt",
    // `date de naissance du patient`, `domicilio actual`, `indirizzo di casa`.
    "de del du da do di des della client cliente titular titulaire titolare patient paciente paziente \
     casa actual completo completa particular privat privado kontaktowy klient klienta kunde kunden kund \
     asiakas asiakkaan ugyfel klijent klijenta musteri pelanggan solicitante empleado applicant \
     receptor emisor destinatario beneficiario trabajador клиента пациента абонента заказчика",
    // Of which system or account.
    "prod production dev staging live admin root db database mysql postgres postgresql redis smtp ftp sftp ldap mongodb \
     master replica primary secondary backup vpn ssh imap",
    // For how long: `contraseña temporal`.
    "temporal temporaire temporanea temporaria provisoria provisoire provvisoria tymczasowe tymczasowy \
     temporar temporara midlertidig tillfallig tijdelijk gecici sementara docasne docasny ideiglenes",
    // Whose numbers they are: ISO 3166.
    "ar au az bd bg br cl cn cr cz dk ec ee eg es fi fr gb gr gt hk hn hr hu ie il jp kr kz lk lt lu lv \
     md mt mu mx ng ni nl nz pe ph pk pl pt py qa rd ro rs ru sg sk sv th tr tw ua uk uy uz ve vn za",
    // Which one of several it is: languages that put it last do so in names, too.
    "new old current again repeat confirm confirmation verify retype neu alt wiederholen wiederholung \
     bestatigen bestatigung nueva nuevo anterior repetir confirmar confirmacion atual nova novo antiga \
     confirmacao nuova nuovo vecchia attuale conferma utente nouveau nouvelle actuel ancien confirmer \
     nowe stare nove stary novy noua yeni eski tekrar baru lama moi cu cookie usuario usuari herhaal \
     herhalen igen gjenta bekreft znovu ponovno potvrda potvrdi uudelleen ujra povtor repita ripeti \
     gentag confirmez reingresar пользователя",
];

/// Words at the end of a name that make it the name of something else: `phone_verified_at`, `ssn_hash`.
const ABOUTS: &str = "id ids at on date time timestamp ts type count total hash status length size format version url uri link \
     index seq order sequence digits mask masked token ref reference error attempts limit max min year expiry \
     expires valid verified enabled lat lon name path file endpoint prefix env field label arn provider header \
     var issuer audience scope class algorithm alg policy style color icon placeholder text title hint message \
     msg digest sha checksum fingerprint kid selector manager";

static ABOUT: LazyLock<HashSet<&str>> = LazyLock::new(|| ABOUTS.split(' ').collect());

static FILLING: LazyLock<HashSet<&str>> = LazyLock::new(|| FILLERS.iter().flat_map(|words| words.split(' ')).collect());

impl Names {
    /// Adds a name as a rule writes it.
    pub(super) fn add(&mut self, name: &str, role: Role) {
        let ending = name.strip_prefix('*');
        let beginning = name.strip_suffix('*');
        let name = ending.or(beginning).unwrap_or(name);
        let wide = name.contains(unspaced);
        if wide && !self.unspaced.iter().any(|known| **known == *name) {
            self.unspaced.push(name.into());
        }
        let private = name.starts_with('_');
        let key = if private { name.to_owned() } else { words(name).concat() };
        let keep = |map: &mut HashMap<Box<str>, Roles>| {
            let roles = map.entry(key.as_str().into()).or_default();
            if !roles.contains(&role) {
                roles.push(role);
            }
        };
        if beginning.is_some() {
            return keep(&mut self.beginnings);
        }
        // In `您的密码` no blank tells the name from the words before it.
        if ending.is_some() || wide {
            keep(&mut self.endings);
        }
        if ending.is_none() {
            keep(if private { &mut self.private } else { &mut self.whole });
        }
    }

    /// The same for a name that other words may follow.
    pub(super) fn add_beginning(&mut self, name: &str, role: Role) {
        let name = name.trim_start_matches('*');
        if !name.starts_with('_') && name.chars().count() > 2 {
            self.add(&format!("{name}*"), role);
        }
    }

    /// What rules make of a name: for each rule, its role for the ending that counts.
    pub(super) fn resolve(&self, name: &str, reading: Reading) -> Roles {
        let last = name.trim_end_matches([']', '"', '\'']).rsplit(['.', '[', '"', '\'']).next().unwrap_or(name);
        if let Some(roles) = self.private.get(last) {
            return roles.clone();
        }
        let mut words = words(without_digest(name));
        let mut roles = Roles::new();
        // `cv2` and `line1` are names, `password2` is the second one.
        while words.last().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit())) {
            self.ending(&words, &mut roles);
            words.pop();
        }
        let first = words.len().saturating_sub(WORDS);
        let words = words.get(first..).unwrap_or_default();
        for end in (1..=words.len()).rev() {
            let so_far = words.get(..end).unwrap_or_default();
            let known = roles.len();
            self.ending(so_far, &mut roles);
            if reading == Reading::Label && roles.len() == known {
                self.inflected(so_far, &mut roles);
            }
            let filler = so_far.last().is_some_and(|last| FILLING.contains(last.as_str()));
            if reading == Reading::Key && !filler {
                break;
            }
        }
        if reading == Reading::Key {
            self.beginning(words, &mut roles);
        }
        roles
    }

    /// Adds the roles of words that others follow: `telefono_contacto`.
    fn beginning(&self, words: &[String], roles: &mut Roles) {
        if words.last().is_none_or(|last| ABOUT.contains(last.as_str())) {
            return;
        }
        for start in 0..words.len() {
            for end in start + 1..words.len().min(start + 1 + TOGETHER) {
                let key = words.get(start..end).unwrap_or_default().concat();
                if let Some(known) = self.beginnings.get(key.as_str()) {
                    merge(roles, known);
                }
            }
        }
    }

    /// The same for a word of a sentence: `телефоны`, `numaram`, `電話番号は` are names with an ending.
    fn inflected(&self, words: &[String], roles: &mut Roles) {
        let Some((last, before)) = words.split_last() else { return };
        let ascii = last.is_ascii();
        let least = if ascii { STEM } else { STEM / 2 };
        let mut stem = last.as_str();
        for _ in 0..ENDING {
            stem = stem.get(..stem.char_indices().next_back().map_or(0, |(at, _)| at)).unwrap_or_default();
            if stem.chars().count() < least {
                return;
            }
            let known = roles.len();
            let all = [before, &[stem.to_owned()]].concat();
            self.ending(&all, roles);
            if roles.len() > known {
                return;
            }
        }
    }

    /// Whether a text is the name of something that rules look for.
    pub(super) fn is_name(&self, text: &str) -> bool {
        self.resolve(text, Reading::Key).iter().any(|role| matches!(role, Role::For(_) | Role::Ignored))
    }

    /// Whether a value speaks of such names: one of its words is one, or in a script without blanks a part.
    pub(super) fn speak(&self, text: &str) -> bool {
        let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.any(|word| !word.bytes().all(|b| b.is_ascii_digit()) && (self.is_name(word) || self.declined(word)))
            || self.unspaced.iter().any(|name| text.contains(&**name))
    }

    /// Whether a word of another script is a name but for its ending: `κωδικό`, `пароля`.
    fn declined(&self, word: &str) -> bool {
        let folded = words(word).concat();
        let length = folded.chars().count();
        if folded.is_ascii() || length < STEM {
            return false;
        }
        let stem: String = folded.chars().take(length - ENDING + 1).collect();
        self.whole.keys().any(|name| name.starts_with(stem.as_str()) && name.chars().count() < length + ENDING)
    }

    /// How telling a name of accounts is: the lower, the more. `None` for other names.
    pub(super) fn rank(&self, name: &str) -> Option<u16> {
        self.resolve(name, Reading::Key).into_iter().find_map(|role| match role {
            Role::Account(rank) => Some(rank),
            _ => None,
        })
    }

    /// Adds the roles of the longest known ending of `words` and of its shorter ones, without
    /// changing what a longer one has said about a rule.
    fn ending(&self, words: &[String], roles: &mut Roles) {
        for start in words.len().saturating_sub(TOGETHER)..words.len() {
            let Some(part) = words.get(start..) else { continue };
            let key = part.concat();
            if let Some(known) = self.whole.get(key.as_str()) {
                merge(roles, known);
            }
        }
        let Some(last) = words.last() else { return };
        for (at, _) in last.char_indices() {
            if let Some(known) = last.get(at..).and_then(|ending| self.endings.get(ending)) {
                merge(roles, known);
            }
        }
    }
}

/// A field rule is decided by the longest ending alone; a number rule by the longest that names it.
fn merge(roles: &mut Roles, more: &[Role]) {
    let about = |role: &Role| match role {
        Role::For(rule) | Role::Against(rule) => Some(*rule),
        Role::Ignored | Role::Account(_) => None,
    };
    if roles.contains(&Role::Ignored) {
        return;
    }
    for role in more {
        if !roles.iter().any(|r| about(r) == about(role)) {
            roles.push(*role);
        }
    }
}

/// Thai, Lao, Burmese, Khmer and the scripts of East Asia.
fn unspaced(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{9fff}')
}

/// A name without the digest that makes it one site's own: `wordpress_logged_in_5f4dcc3b5aa765d61d8327deb882cf99`,
/// `_shibsession_64656661756c74`, `JSESSIONID.144d3f87`.
fn without_digest(name: &str) -> &str {
    let digits = name.bytes().rev().take_while(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).count();
    let end = if digits >= DIGEST { name.len() - DIGEST } else { name.len() - digits };
    let (Some(own), Some(tail)) = (name.get(..end), name.get(end..)) else { return name };
    let apart = digits >= SUFFIX && own.ends_with(['_', '-', '.']) && tail.bytes().any(|b| b.is_ascii_digit());
    if !own.is_empty() && (digits >= DIGEST || apart) { own } else { name }
}

/// Hexadecimal digits of an MD5 digest, and the least of another suffix.
const DIGEST: usize = 32;
const SUFFIX: usize = 8;

/// The words of a name, folded.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = Shape::Other;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if ('\u{300}'..='\u{36f}').contains(&letter) {
            continue;
        }
        let shape = Shape::of(letter);
        let next = letters.peek().map_or(Shape::Other, |next| Shape::of(*next));
        let begins = match (before, shape) {
            (_, Shape::Other) => true,
            (Shape::Upper, Shape::Upper) => next == Shape::Lower,
            (Shape::Upper | Shape::Lower, Shape::Lower) | (Shape::Digit, Shape::Digit) => false,
            _ => true,
        };
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if shape != Shape::Other {
            fold(letter, &mut word);
        }
        before = shape;
    }
    if !word.is_empty() {
        words.push(word);
    }
    // `txtphone`, `txtCardNo`: the kind of a field on a form, and its name.
    if words.len() > 1 && words.first().is_some_and(|first| first == "txt") {
        words.remove(0);
    } else if let Some(first) = words.first_mut()
        && let Some(rest) = first.strip_prefix("txt").filter(|rest| rest.chars().count() > 2)
    {
        *first = rest.to_owned();
    }
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Upper,
    Lower,
    Digit,
    Other,
}

impl Shape {
    fn of(letter: char) -> Self {
        match letter {
            _ if letter.is_numeric() => Self::Digit,
            _ if letter.is_uppercase() => Self::Upper,
            // Marks of Indic and Thai scripts belong to their letters.
            _ if letter.is_alphanumeric() || ('\u{900}'..='\u{e7f}').contains(&letter) => Self::Lower,
            _ => Self::Other,
        }
    }
}

/// Lower case without the accents of the Latin and Greek scripts.
fn fold(letter: char, into: &mut String) {
    for lower in letter.to_lowercase() {
        let plain = match lower {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ạ'..='ặ' | 'ə' => "a",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' => "d",
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
            'ğ' | 'ģ' => "g",
            'ì'..='ï' | 'ĩ' | 'ı' | 'ī' | 'į' | 'ỉ'..='ị' => "i",
            'ķ' => "k",
            'ł' | 'ľ' | 'ĺ' | 'ļ' => "l",
            'ñ' | 'ń' | 'ň' | 'ņ' => "n",
            'ò'..='ö' | 'ø' | 'ő' | 'ō' | 'ơ' | 'ọ'..='ợ' => "o",
            'ŕ' | 'ř' => "r",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ß' => "ss",
            'ť' | 'ţ' | 'ț' => "t",
            'ù'..='ü' | 'ũ' | 'ů' | 'ű' | 'ū' | 'ų' | 'ư' | 'ụ'..='ự' => "u",
            'ý' | 'ÿ' | 'ỳ'..='ỹ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            'æ' => "ae",
            'œ' => "oe",
            'ά' => "α",
            'έ' => "ε",
            'ή' => "η",
            'ί' | 'ϊ' | 'ΐ' => "ι",
            'ό' => "ο",
            'ύ' | 'ϋ' | 'ΰ' => "υ",
            'ώ' => "ω",
            'ς' => "σ",
            'ё' => "е",
            // What is left of a dotted capital I after lower-casing.
            '\u{307}' => "",
            other => {
                into.push(other);
                continue;
            }
        };
        into.push_str(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_have_the_same_words() {
        for name in ["card_no", "cardNo", "Card No.", "CARD-NO", "card.no", "cardNO"] {
            assert_eq!(words(name), ["card", "no"], "{name}");
        }
        assert_eq!(words("APIKey2"), ["api", "key", "2"]);
        assert_eq!(words("Contraseña"), ["contrasena"]);
        assert_eq!(words("Şifre"), ["sifre"]);
        assert_eq!(words("txtcardNo"), words("txtCardNo"));
        assert_eq!(words("txt"), ["txt"]);
        assert_eq!(words("Số điện thoại"), ["so", "dien", "thoai"]);
        assert_eq!(words("ΤΗΛΈΦΩΝΟ"), words("τηλεφωνο"));
    }

    #[test]
    fn the_end_of_a_name_decides_and_the_longest_end_wins() {
        let (password, token, csrf) = (Role::For(RuleIndex(1)), Role::For(RuleIndex(2)), Role::Ignored);
        let mut names = Names::default();
        names.add("password", password);
        names.add("*passwort", password);
        names.add("token", token);
        names.add("csrf token", csrf);
        let key = |name| names.resolve(name, Reading::Key).to_vec();
        assert_eq!(key("user[password]"), [password]);
        assert_eq!(key("newPassword2"), [password]);
        assert_eq!(key("kundenpasswort"), [password]);
        assert_eq!(key("password_hint"), []);
        assert_eq!(key("access_token"), [token]);
        assert_eq!(key("csrfToken"), [csrf]);
        assert_eq!(key("Password del titular"), [password]);
        assert_eq!(key("passwort_nr"), [password]);
    }

    #[test]
    fn words_may_follow_some_names() {
        let mut names = Names::default();
        names.add("telefono*", Role::Ignored);
        for (name, known) in
            [("telefonoContacto", true), ("num_telefono_casa", true), ("telefono", false), ("tel", false)]
        {
            assert_eq!(names.resolve(name, Reading::Key).contains(&Role::Ignored), known, "{name}");
        }
    }

    #[test]
    fn a_digest_at_the_end_of_a_name_is_no_part_of_it_and_a_private_name_is_itself_alone() {
        let (session, csrf) = (Role::For(RuleIndex(1)), Role::Ignored);
        let mut names = Names::default();
        names.add("ssess", session);
        names.add("token", session);
        names.add("_token", csrf);
        let key = |name| names.resolve(name, Reading::Key).to_vec();
        assert_eq!(key("SSESS5f4dcc3b5aa765d61d8327deb882cf99"), [session]);
        assert_eq!(key("SSESSbeef5f4dcc3b5aa765d61d8327deb882cf99"), []);
        assert_eq!(key("ssess_64656661756c74"), [session]);
        for name in ["_token", "form[_token]", "user._token"] {
            assert_eq!(key(name), [csrf], "{name}");
        }
        for name in ["token", "my_token", "form[token]"] {
            assert_eq!(key(name), [session], "{name}");
        }
    }

    #[test]
    fn a_value_may_speak_of_a_name() {
        let mut names = Names::default();
        for name in ["password", "密码", "รหัสผ่าน", "κωδικός"] {
            names.add(name, Role::Ignored);
        }
        for text in ["password reset link", "忘记密码？", "รหัสผ่านไม่ถูกต้อง", "τον κωδικό;"]
        {
            assert!(names.speak(text), "{text}");
        }
        assert!(names.is_name("您的密码"));
        assert!(!names.speak("Winter2024!") && !names.speak("安全2024"));
    }

    #[test]
    fn a_label_is_read_from_its_end() {
        let (ssn, order) = (RuleIndex(1), RuleIndex(2));
        let mut names = Names::default();
        names.add("ssn", Role::For(ssn));
        names.add("order", Role::Against(ssn));
        names.add("order", Role::For(order));
        let label = names.resolve("Order 12, SSN of the customer", Reading::Label);
        assert_eq!(label.to_vec(), [Role::For(ssn), Role::For(order)]);
        assert_eq!(names.resolve("SSN of the order", Reading::Label).first(), Some(&Role::Against(ssn)));
        names.add("*電話番号", Role::For(order));
        names.add("kimlik numara", Role::For(ssn));
        for (label, role) in [("私の電話番号は", Role::For(order)), ("kimlik numaram", Role::For(ssn))] {
            assert_eq!(names.resolve(label, Reading::Label).first(), Some(&role), "{label}");
            assert_eq!(names.resolve(label, Reading::Key).first(), None, "{label}");
        }
    }
}
