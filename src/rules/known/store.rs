//! The file of known secrets.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Entry, Form, Key, Known, Needle, SHORTEST, forms};
use crate::content::hex;
use crate::model::secret::Secret;

/// Why a file of known secrets could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// It could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no such file.
    #[error("{path}: not a file of known secrets: {reason}")]
    Form {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A secret is too short.
    #[error(
        "`{0}`: a known secret must have at least {SHORTEST} bytes: a shorter one is guessed from its hash in no time, and stands in traffic by chance"
    )]
    Short(String),
    /// There is one with this name.
    #[error("`{0}` is known already; remove it first")]
    Twice(String),
    /// There is none with this name.
    #[error("nothing is known as `{0}`")]
    Nobody(String),
    /// A name with signs in it.
    #[error("`{0}`: a name is made of letters, digits, blanks, `.`, `-`, `_`, `@`, `/` and `:`")]
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    key: String,
    #[serde(default)]
    secret: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    hashes: Vec<String>,
}

const FORMAT: u32 = 1;

const HEAD: &str = "\
# Known secrets of plainsight: keyed hashes, never the secrets themselves. Keep the file private all the same:
# who has it can try guesses, and finds short or common secrets.
";

impl Known {
    /// An empty collection with a key of its own, from the operating system's randomness.
    pub fn new() -> Self {
        Self::with(super::super::Key::random().bytes(), Vec::new())
    }

    fn with(key: [u8; 32], entries: Vec<Entry>) -> Self {
        let (bits, places) = Default::default();
        let mut known = Self { key: Key::new(key), entries, bits, places };
        known.index();
        known
    }

    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, KnownError> {
        let text = fs::read_to_string(path).map_err(|source| KnownError::Io { path: path.to_owned(), source })?;
        let wrong = |reason: String| KnownError::Form { path: path.to_owned(), reason };
        let file: File = toml::from_str(&text).map_err(|e| wrong(e.message().to_owned()))?;
        if file.format != FORMAT {
            return Err(wrong(format!("it is of format {}, this program reads {FORMAT}", file.format)));
        }
        let key = unhex::<32>(&file.key).ok_or_else(|| wrong("its key is not 64 hexadecimal digits".to_owned()))?;
        let entry = |written: Written| {
            let needles: Option<Vec<Needle>> = written.hashes.iter().map(|text| read(text)).collect();
            let needles = needles.ok_or_else(|| wrong(format!("the hashes of `{}` are damaged", written.name)))?;
            Ok(Entry { name: written.name, needles })
        };
        let entries = file.secret.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Self::with(key, entries))
    }

    /// Writes the file, readable by its owner alone. What was there is replaced at once or not at all.
    pub fn save(&self, path: &Path) -> Result<(), KnownError> {
        let failed = |source| KnownError::Io { path: path.to_owned(), source };
        let mut text = format!("{HEAD}format = {FORMAT}\nkey = \"{}\"\n", hex::encode(&self.key.bytes));
        for entry in &self.entries {
            let hashes: Vec<String> =
                entry.needles.iter().map(|needle| format!("    \"{}\",\n", write(needle))).collect();
            let name = toml::Value::String(entry.name.clone());
            let _ = write!(text, "\n[[secret]]\nname = {name}\nhashes = [\n{}]\n", hashes.concat());
        }
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let done = options.open(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, path)
        });
        done.inspect_err(|e| {
            if e.kind() != io::ErrorKind::AlreadyExists {
                let _ = fs::remove_file(&beside);
            }
        })
        .map_err(failed)
    }

    /// Adds a secret.
    pub fn add(&mut self, name: &str, secret: Secret<'_>) -> Result<(), KnownError> {
        let plain = |c: char| c.is_alphanumeric() || " .-_@/:".contains(c);
        if name.trim().is_empty() || name.len() > 100 || !name.chars().all(plain) {
            return Err(KnownError::Name(name.to_owned()));
        }
        if secret.len() < SHORTEST {
            return Err(KnownError::Short(name.to_owned()));
        }
        if self.names().any(|known| known == name) {
            return Err(KnownError::Twice(name.to_owned()));
        }
        let needles = forms(secret.expose()).iter().filter_map(|(form, bytes)| self.key.needle(*form, bytes)).collect();
        self.entries.push(Entry { name: name.to_owned(), needles });
        self.index();
        Ok(())
    }

    /// Forgets a secret.
    pub fn remove(&mut self, name: &str) -> Result<(), KnownError> {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        if self.entries.len() == before {
            return Err(KnownError::Nobody(name.to_owned()));
        }
        self.index();
        Ok(())
    }
}

impl Default for Known {
    fn default() -> Self {
        Self::new()
    }
}

const FORMS: [(&str, Form); 4] =
    [("base64", Form::Base64), ("hex", Form::Hex), ("plain", Form::Plain), ("utf16", Form::Utf16)];

fn write(needle: &Needle) -> String {
    let form = FORMS.iter().find(|(_, form)| *form == needle.form).map_or("", |(name, _)| name);
    format!("{form}:{}:{:04x}:{}", needle.length, needle.tag, hex::encode(&needle.hash))
}

fn read(text: &str) -> Option<Needle> {
    let mut parts = text.split(':');
    let form = parts.next()?;
    let form = FORMS.iter().find(|(name, _)| *name == form)?.1;
    let length = parts.next()?.parse().ok().filter(|length| (8..=super::LONGEST).contains(&usize::from(*length)))?;
    let tag = u16::from_str_radix(parts.next()?, 16).ok().filter(|tag| *tag < 1 << super::TAG_BITS)?;
    Some(Needle { form, tag, length, hash: unhex(parts.next()?)? })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    (text.len() == 2 * N).then_some(())?;
    for (to, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *to = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}
