//! Values of documents that are trees of named values in binary (BSON, MessagePack, CBOR) on their way
//! to fields: each is named by its path (`users[].email`), and belongs to the account that is named
//! beside it in the same object or one around it.

use super::carrier::Carrier;
use super::sniff;
use crate::model::event::{EventSink, FieldKind, Format};
use crate::model::limits;

/// Longest value that is a field rather than text, in bytes.
const FIELD_BYTES: usize = 4 << 10;

/// Shortest number worth saying, in digits: those that say something about a person have at least as
/// many.
const DIGITS: usize = 3;

/// Names of accounts, as documents and tables spell them.
const ACCOUNTS: [&str; 15] = [
    "user",
    "username",
    "user_name",
    "login",
    "login_name",
    "account",
    "email",
    "usename",
    "rolname",
    "userName",
    "loginName",
    "userid",
    "user_id",
    "createUser",
    "updateUser",
];

/// Which of the names of a row, a statement or an object says whose the others are.
pub fn account<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<usize> {
    names.into_iter().position(|name| ACCOUNTS.iter().any(|a| name.eq_ignore_ascii_case(a)))
}

/// Of fields in this order, the one that names each value and the one with the value: `option_name` and
/// `option_value`, `key` and `value`, `id_type` and `id_number`.
pub fn pair<'a>(names: impl Iterator<Item = &'a str>) -> Option<(usize, usize)> {
    const NAMING: [&str; 16] = [
        "type",
        "typ",
        "tipo",
        "name",
        "key",
        "setting",
        "parameter",
        "variable",
        "option",
        "property",
        "attribute",
        "path",
        "schluessel",
        "clave",
        "klucz",
        "chiave",
    ];
    const VALUES: [&str; 7] = ["value", "val", "wert", "valor", "valeur", "valore", "wartosc"];
    // `id_type` and `id_number`; a `number` alone is one of its own.
    const NUMBERS: [&str; 4] = ["number", "no", "nr", "numero"];
    let (mut key, mut value) = (None, None);
    for (n, name) in names.enumerate() {
        let lower = name.to_ascii_lowercase();
        let numbered = || NUMBERS.iter().find_map(|word| lower.strip_suffix(word)).filter(|of| !of.is_empty());
        let (slot, of) = if let Some(of) = VALUES.iter().find_map(|word| lower.strip_suffix(word)).or_else(numbered) {
            (&mut value, of)
        } else if let Some(of) = NAMING.iter().find_map(|word| lower.strip_suffix(word))
            && account([name]).is_none()
        {
            (&mut key, of)
        } else {
            continue;
        };
        // Of several one cannot tell.
        if slot.replace((n, of.to_owned())).is_some() {
            return None;
        }
    }
    let ((key, of_key), (value, of_value)) = key.zip(value)?;
    (of_value.is_empty() || of_value == of_key).then_some((key, value))
}

/// Takes the values of one document in their order.
pub struct Tree<'a> {
    carrier: &'a Carrier<'a>,
    kind: FieldKind,
    path: String,
    open: Vec<Object>,
    out: &'a mut dyn EventSink,
}

/// An object or an array whose end has not come.
struct Object {
    /// Length of the path before its name.
    before: usize,
    account: Option<Vec<u8>>,
    /// Values that wait for their account: path and value.
    held: Vec<(String, Vec<u8>)>,
}

impl<'a> Tree<'a> {
    /// A tree whose values are fields of this kind.
    pub fn new(carrier: &'a Carrier<'a>, kind: FieldKind, out: &'a mut dyn EventSink) -> Self {
        let root = Object { before: 0, account: None, held: Vec::new() };
        Self { carrier, kind, path: String::new(), open: vec![root], out }
    }

    /// An object begins, or an array (whose elements have no names). Says whether it may: too deep a
    /// nesting is not followed.
    pub fn enter(&mut self, name: &str, array: bool) -> bool {
        if self.open.len() > limits::NESTING {
            self.out.beyond(limits::Cap::Nesting);
            return false;
        }
        let before = self.path.len();
        self.push(name);
        if array {
            self.path.push_str("[]");
        }
        self.open.push(Object { before, account: None, held: Vec::new() });
        true
    }

    /// The object that began last ends.
    pub fn leave(&mut self) {
        if self.open.len() > 1
            && let Some(object) = self.open.pop()
        {
            self.path.truncate(object.before);
            self.say(object);
        }
    }

    /// A value that is text, or bytes that may be.
    pub fn value(&mut self, name: &str, value: &[u8]) {
        if value.is_empty() || !sniff::is_text(value) {
            return;
        }
        if value.len() > FIELD_BYTES {
            self.carrier.text(sniff::format(value), value, self.out);
            return;
        }
        let before = self.path.len();
        self.push(name);
        let path = self.path.clone();
        self.path.truncate(before);
        if let Some(object) = self.open.last_mut() {
            if account([name]).is_some() {
                object.account.get_or_insert_with(|| value.to_vec());
            }
            object.held.push((path, value.to_vec()));
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: i128) {
        let text = value.to_string();
        if text.len() >= DIGITS {
            self.value(name, text.as_bytes());
        }
    }

    /// A number with a fraction; one without it may be an identifier.
    pub fn float(&mut self, name: &str, value: f64) {
        if value.fract() == 0.0 && value.abs() < 1e18 {
            self.number(name, value as i128);
        }
    }

    /// Nothing more will come: what is still open ends here.
    pub fn finish(mut self) {
        while self.open.len() > 1 {
            self.leave();
        }
        if let Some(root) = self.open.pop() {
            self.say(root);
        }
    }

    fn push(&mut self, name: &str) {
        if !name.is_empty() && !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    fn say(&mut self, object: Object) {
        let around = self.open.iter().rev().find_map(|outer| outer.account.as_deref());
        let account = object.account.as_deref().or(around);
        let pair = pair(object.held.iter().map(|(path, _)| path.rsplit('.').next().unwrap_or(path)));
        let key = pair.and_then(|(key, _)| object.held.get(key)).map(|(_, key)| String::from_utf8_lossy(key));
        for (n, (path, value)) in object.held.iter().enumerate() {
            let path = match &key {
                Some(key) if pair.is_some_and(|(_, value)| value == n) => &format!("{path}.{key}"),
                _ => path,
            };
            // Lines are read as text by the rules: a log, a mail, a key.
            if memchr::memchr(b'\n', value).is_some() {
                self.carrier.text(Format::Plain, value, self.out);
                continue;
            }
            let own = account.filter(|account| *account != value.as_slice());
            self.carrier.field(self.kind, path, value, own, self.out);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::event::{Event, Outcome};
    use crate::model::flow::Direction;
    use crate::model::packet::Span;

    /// What `walk` says, a line each: `path=value of account`, or `text FORMAT content`.
    pub(crate) fn said(walk: impl FnOnce(&mut Tree<'_>)) -> Vec<String> {
        let mut said = Lines(Vec::new());
        let (direction, outcome) = (Direction::ToServer, Outcome::Unknown);
        let carrier = Carrier { place: "p", resource: "", direction, outcome, span: Span::default() };
        let mut tree = Tree::new(&carrier, FieldKind::Attribute, &mut said);
        walk(&mut tree);
        tree.finish();
        said.0
    }

    /// Writes down what is said.
    #[derive(Default)]
    pub(crate) struct Lines(pub(crate) Vec<String>);

    impl EventSink for Lines {
        fn event(&mut self, event: Event<'_>) {
            let text = String::from_utf8_lossy;
            self.0.push(match event {
                Event::Field(field) => {
                    let account = field.account.map(|a| format!(" of {}", text(a))).unwrap_or_default();
                    format!("{}={}{account}", field.name, text(field.value.expose()))
                }
                Event::Text(run) => format!("text {} {:?} {}", run.resource, run.format, text(run.data.bytes)),
                Event::Skipped { reason, bytes } => format!("skipped {} {bytes}", reason.name()),
                _ => return,
            });
        }
    }

    #[test]
    fn a_value_beside_its_name_is_called_by_it() {
        let said = said(|tree| {
            for (key, value) in [("password", b"one"), ("user", b"two")] {
                tree.enter("env", true);
                tree.enter("", false);
                tree.value("name", key.as_bytes());
                tree.value("value", value);
                tree.leave();
                tree.leave();
            }
        });
        assert_eq!(
            said,
            ["env[].name=password", "env[].value.password=one", "env[].name=user", "env[].value.user=two"]
        );
        assert_eq!(pair(["id", "option_name", "option_value"].into_iter()), Some((1, 2)));
        for others in [["first_name", "last_name", "value"], ["id", "user_name", "password_value"]] {
            assert_eq!(pair(others.into_iter()), None);
        }
    }

    #[test]
    fn values_have_their_path_and_the_nearest_account() {
        let said = said(|tree| {
            tree.value("user", b"admin");
            tree.enter("rows", true);
            tree.enter("", false);
            tree.value("pwd", b"one");
            tree.value("email", b"a@b.example");
            tree.leave();
            tree.number("", 4_111_111_111_111_111);
            tree.leave();
            tree.enter("auth", false);
            tree.value("pwd", b"two");
            tree.float("n", 12.5);
        });
        assert_eq!(
            said,
            [
                "rows[].pwd=one of a@b.example",
                "rows[].email=a@b.example",
                "rows[]=4111111111111111 of admin",
                "auth.pwd=two of admin",
                "user=admin",
            ]
        );
    }
}
