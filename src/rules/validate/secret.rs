//! Checks of credentials: checksums inside tokens, encodings, and what shows that a value is a
//! placeholder of a manual.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use flate2::Crc;

use super::{Verdict, pass, sure, unsure};
use crate::model::finding::Confidence;
use crate::model::why::{Fact, Why};

/// GitHub's tokens end in six base62 digits of the CRC-32 of what is between prefix and checksum.
pub(super) fn github_crc32(v: &[u8]) -> Option<Verdict> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = v.get(4..v.len().checked_sub(6)?)?;
    let mut rest = crc32(body) as usize;
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = *ALPHABET.get(rest % 62)?;
        rest /= 62;
    }
    if v.ends_with(&expected) { sure() } else { unsure("its checksum is wrong") }
}

/// Atlassian's tokens end in the CRC-32 of all before it, as eight hex digits.
pub(super) fn atlassian_crc32(v: &[u8]) -> Option<Verdict> {
    let (body, check) = v.split_at_checked(v.len().checked_sub(8)?)?;
    if format!("{:08X}", crc32(body)).as_bytes() == check { sure() } else { unsure("its checksum is wrong") }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Base64 of readable text with a colon in it.
pub(super) fn base64_pair(v: &[u8]) -> Option<Verdict> {
    pair(&STANDARD.decode(v).or_else(|_| STANDARD_NO_PAD.decode(v)).ok()?)
}

/// Readable text with a colon in it.
pub(super) fn pair(v: &[u8]) -> Option<Verdict> {
    // What manuals and RFC 7617 put there.
    let shown: [&[u8]; 6] = [
        b"username:password",
        b"user:password",
        b"user:pass",
        b"user:passwd",
        b"username:passwd",
        b"Aladdin:open sesame",
    ];
    let readable = v.iter().all(|b| !b.is_ascii_control());
    match memchr::memchr(b':', v) {
        Some(colon) if readable && colon + 1 < v.len() => {
            if shown.contains(&v) {
                unsure("manuals have it as an example")
            } else {
                sure()
            }
        }
        _ => None,
    }
}

/// A private key has a body: at least three lines of base64, or as many bytes in one line.
pub(super) fn key_body(v: &[u8]) -> Option<Verdict> {
    let v = memchr::memmem::find(v, b"-----END").and_then(|end| v.get(..end)).unwrap_or(v);
    let body = v.splitn(2, |b| *b == b'\n' || *b == b'\\').nth(1)?;
    let base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    let run = body.split(|b| !base64(b)).filter(|line| line.len() >= 32);
    let (lines, bytes) = run.fold((0, 0), |(lines, bytes), line| (lines + 1, bytes + line.len()));
    let various = entropy(body) > 4.0;
    if (lines >= 3 || bytes >= 100) && various { sure() } else { None }
}

/// Nothing that shows somebody made it up: no run of one character, no sequence, none of the words
/// manuals use.
pub(super) fn random(v: &[u8]) -> Option<Verdict> {
    pass(!made_up(v))
}

/// See [`random`].
pub(in crate::rules) fn made_up(v: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "example",
        "sample",
        "placeholder",
        "changeme",
        "change_me",
        "redacted",
        "your",
        "insert",
        "replace",
        "dummy",
        "xxxx",
        "****",
        "....",
        "todo",
        "fake",
        "foobar",
        "<",
        "${",
        "{{",
    ];
    const SEQUENCES: &[&str] = &["0123456789", "1234567890", "abcdefghij", "abcdef123", "abc123def", "deadbeef"];
    // A value that is cut short to show its form.
    if v.ends_with(b"...") || v.ends_with("…".as_bytes()) {
        return true;
    }
    let mut run = 1;
    let mut last = None;
    for byte in v {
        run = if last == Some(byte) { run + 1 } else { 1 };
        if run >= 6 {
            return true;
        }
        last = Some(byte);
    }
    let lower = v.to_ascii_lowercase();
    let text = String::from_utf8_lossy(&lower);
    WORDS.iter().chain(SEQUENCES).any(|word| text.contains(word))
}

/// The password of a URL or a connection string: not a reference to one, and not the word itself.
pub(super) fn real_password(v: &[u8]) -> Option<Verdict> {
    let v = v.trim_ascii();
    let v = v.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(v);
    let lower = String::from_utf8_lossy(v).to_lowercase();
    let word = matches!(
        lower.as_str(),
        "password"
            | "pass"
            | "passwd"
            | "pwd"
            | "secret"
            | "passw0rd"
            | "user"
            | "username"
            | "yourpassword"
            | "your_password"
            | "your-password"
            | "mypassword"
            | "example"
            | "xxx"
            | "xxxx"
            | "token"
            | "null"
            | "true"
            | "false"
            | "string"
            | "pw"
            | "mysecretpassword"
    );
    pass(!word && !reference(v) && !masked(v))
}

/// A password that a sentence tells is no word of the sentence: it has letters and digits, or signs between.
pub(super) fn told_password(v: &[u8]) -> Option<Verdict> {
    let letters = v.iter().any(u8::is_ascii_alphabetic) || !v.is_ascii();
    let digits = v.iter().any(u8::is_ascii_digit);
    let signs =
        v.iter().any(|b| b.is_ascii_punctuation() && !matches!(b, b'-' | b'.' | b'/' | b',' | b'\'' | b':' | b'('));
    let link = memchr::memmem::find(v, b"://").is_some();
    pass(letters && (digits || signs) && !link)
}

/// What stands between a colon and an at sign may be a port and a path: `host:80/a@b`.
pub(super) fn not_a_path(v: &[u8]) -> Option<Verdict> {
    let digits = v.iter().take_while(|b| b.is_ascii_digit()).count();
    let port = digits > 0 && v.get(digits) == Some(&b'/');
    pass(!port && !v.starts_with(b"/"))
}

/// A reference to a value instead of the value: `${X}`, `{{x}}`, `<password>`, `%s`, `:name`, `@p1`.
pub(in crate::rules) fn reference(v: &[u8]) -> bool {
    let [first, rest @ ..] = v else { return true };
    let (Some(last), name) = (v.last(), |bytes: &[u8]| {
        !bytes.is_empty() && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    }) else {
        return true;
    };
    match first {
        b'$' => {
            rest.first().is_some_and(|b| matches!(b, b'{' | b'('))
                || shouting(rest)
                || rest.iter().all(u8::is_ascii_digit)
        }
        b'{' => *last == b'}',
        b'<' => *last == b'>',
        b'[' => *last == b']',
        b'%' => (*last == b'%' && rest.len() > 1) || matches!(rest, b"s" | b"d" | b"@") || rest.starts_with(b"("),
        b':' => name(rest),
        b'@' => rest.starts_with(b"p") && rest.iter().skip(1).all(u8::is_ascii_digit),
        b'?' => rest.is_empty(),
        b'#' => rest.starts_with(b"{"),
        // A tag of YAML: `!vault |`, `!Ref Name`, `!secret name`.
        b'!' => rest
            .iter()
            .position(|b| *b == b' ')
            .is_some_and(|end| end > 1 && rest.iter().take(end).all(u8::is_ascii_alphabetic)),
        _ => {
            let text = String::from_utf8_lossy(v);
            text.contains("${") || text.contains("{{") || text.starts_with("process.env") || text.starts_with("env.")
        }
    }
}

/// A name in capitals.
fn shouting(v: &[u8]) -> bool {
    v.len() > 1 && v.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_')
}

/// A value somebody has already hidden: `****`, `••••`, `xxxx`, `[FILTERED]`, `REDACTED`.
pub(in crate::rules) fn masked(v: &[u8]) -> bool {
    let text = String::from_utf8_lossy(v);
    let blank = |c: char| matches!(c, '*' | '•' | '●' | '.' | '…' | '-' | '_' | '#' | '█');
    let lower = text.to_lowercase();
    let inner = lower.trim_matches(|c: char| !c.is_alphanumeric());
    text.chars().all(blank)
        || (text.len() >= 3 && text.chars().all(|c| matches!(c, 'x' | 'X')))
        || (text.contains("***") || text.contains("•••"))
        || matches!(inner, "filtered" | "redacted" | "masked" | "hidden" | "removed" | "secret" if inner.len() < text.len())
        || matches!(inner, "redacted" | "filtered" | "masked" | "value_specified_in_no_log_parameter")
        // SOPS
        || text.starts_with("ENC[") && text.ends_with(']')
}

/// Shannon entropy in bits per byte.
pub(in crate::rules) fn entropy(v: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in v {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = v.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    -counts.iter().filter(|c| **c > 0).map(share).map(|p| p * p.log2()).sum::<f64>()
}

/// An e-mail address that can exist: no file name, no version, no account of a program.
pub(super) fn email(v: &[u8]) -> Option<Verdict> {
    const FILES: &[&str] = &[
        "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "mjs", "ts", "tsx", "jsx", "json", "html",
        "php", "map", "woff", "woff2", "ttf", "eot", "mp4", "pdf", "zip", "gz", "tgz", "xml", "txt", "md", "py", "rb",
        "so", "dll", "exe", "service", "timer", "socket", "local", "internal", "invalid", "lock", "scss", "less",
        "vue", "yml", "yaml",
    ];
    let text = std::str::from_utf8(v).ok()?;
    let (user, domain) = text.rsplit_once('@')?;
    let (_, top) = domain.rsplit_once('.')?;
    let labels = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let fine = !user.starts_with('.') && !user.ends_with('.') && !user.contains("..") && labels;
    let alphabetic = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
    let lower = top.to_lowercase();
    let file = FILES.contains(&lower.as_str()) && !matches!(lower.as_str(), "local" | "internal");
    let machine = matches!(user, "git" | "hg" | "svn" | "root" | "noreply" | "no-reply")
        || domain == "gserviceaccount.com"
        || domain.ends_with(".gserviceaccount.com");
    // `react@18.2.0.js`, `sprite@2x.png`.
    let version = domain.starts_with(|c: char| c.is_ascii_digit()) && domain.contains(".0");
    let mut verdict = pass(fine && alphabetic && !file && !machine && !version)?;
    if reserved(domain) {
        verdict.confidence = Some(Confidence::Low);
        verdict.facts = Why::of(Fact::TestValue);
    }
    Some(verdict)
}

/// Domains that nobody can have, for manuals and tests (RFC 2606, RFC 6761), and `tld`, which they use as one.
pub(in crate::rules) fn reserved(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let mut labels = domain.rsplit('.');
    match (labels.next(), labels.next()) {
        (Some("example" | "test" | "invalid" | "localhost" | "tld"), _) => true,
        (Some("com" | "net" | "org"), second) => second == Some("example"),
        _ => false,
    }
}

/// A telephone number: seven to fifteen digits (E.164), no date, no time, no address.
pub(super) fn phone(v: &[u8]) -> Option<Verdict> {
    let digits: Vec<u8> = v.iter().copied().filter(u8::is_ascii_digit).collect();
    let dots = v.iter().filter(|b| **b == b'.').count();
    let uniform = digits.windows(2).all(|pair| pair.first() == pair.last());
    let year = v.get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit));
    let date = year && v.len() >= 10 && v.get(4) == Some(&b'-') && v.get(7) == Some(&b'-');
    let address = dots == 3 && v.split(|b| *b == b'.').all(|part| part.len() <= 3);
    pass((7..=15).contains(&digits.len()) && !uniform && !date && !address)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts, refuses};
    use super::*;

    #[test]
    fn checksums_and_encodings() {
        accepts("base64_pair", "YWxpY2U6aHVudGVyMg==");
        refuses("base64_pair", "YWxpY2U=");
        assert_eq!(base64_pair(b"dXNlcm5hbWU6cGFzc3dvcmQ=").unwrap().confidence, Some(Confidence::Low));
        let body = [b'k'; 30];
        let mut crc = crc32(&body) as usize;
        let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut check = [b'0'; 6];
        for digit in check.iter_mut().rev() {
            *digit = alphabet[crc % 62];
            crc /= 62;
        }
        let token = [b"ghp_".as_slice(), &body, &check].concat();
        assert_eq!(github_crc32(&token).unwrap().confidence, Some(crate::model::finding::Confidence::High));
        let other = [b"ghp_".as_slice(), &body, b"000000"].concat();
        assert_eq!(github_crc32(&other).unwrap().confidence, Some(crate::model::finding::Confidence::Low));
    }

    #[test]
    fn placeholders_are_known() {
        for value in [
            "${DB_PASSWORD}",
            "{{password}}",
            "<password>",
            "%PASSWORD%",
            "$PASSWORD",
            ":password",
            "?",
            "$1",
            "@p1",
            "!vault |",
        ] {
            assert!(reference(value.as_bytes()), "{value}");
        }
        for value in ["$ecret1", "!wow1 x", "!wow", "<3you", "%41bc", "hunter2", "?why", "P@ss:1"] {
            assert!(!reference(value.as_bytes()), "{value}");
        }
        for value in ["********", "••••••", "xxxxxx", "[FILTERED]", "<redacted>"] {
            assert!(masked(value.as_bytes()), "{value}");
        }
        assert!(!masked(b"hunter2") && !masked(b"secret"));
    }

    #[test]
    fn a_word_of_a_sentence_is_no_password() {
        for word in ["case-sensitive", "required", "12", "https://a.b/c1"] {
            refuses("told_password", word);
        }
        for password in ["hunter2", "pass!word", "ключ7"] {
            accepts("told_password", password);
        }
    }

    #[test]
    fn addresses_and_telephones() {
        for bad in ["sprite@2x.png", "git@github.com", "react@18.2.0.js", "user@localhost", "a@b..c"] {
            refuses("email", bad);
        }
        accepts("email", "alice@shop.example");
        accepts("phone", "+44 20 7946 0958");
        accepts("phone", "+972-54-467-4407");
        refuses("phone", "2026-01-02");
        refuses("phone", "192.168.100.200");
    }
}
