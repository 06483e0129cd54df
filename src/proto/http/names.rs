//! What the names of headers and fields say.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};

/// Parts of words for passwords in the languages forms are written in. Where one occurs, a request's
/// content waits for its answer, so that a finding can say whether the server let the user in.
const PASSWORD_WORDS: [&str; 12] = [
    "pass",
    "pwd",
    "psw",
    "secret",
    "kennwort",
    "contras",
    "motdepasse",
    "mdp",
    "senha",
    "wachtwoord",
    "parol",
    "credential",
];

static PASSWORDS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasickBuilder::new().ascii_case_insensitive(true).build(PASSWORD_WORDS).ok());

/// Whether content has a word for a password in it.
pub(super) fn hints_at_password(content: &[u8]) -> bool {
    PASSWORDS.as_ref().is_some_and(|words| words.is_match(content))
}

/// Whether a field's name says that its value is an account: `user`, `j_username`, `user[email]`.
pub(super) fn is_account(name: &str) -> bool {
    let last = name.trim_end_matches(']').rsplit(['[', '.', ':', '$']).next().unwrap_or(name);
    let letters = last.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
    let mut word = [0u8; 32];
    let mut length = 0;
    for letter in letters {
        let Some(slot) = word.get_mut(length) else { return false };
        *slot = letter;
        length += 1;
    }
    let word = word.get(..length).unwrap_or_default();
    let whole: [&[u8]; 13] = [
        b"user",
        b"usr",
        b"uname",
        b"uid",
        b"login",
        b"log",
        b"account",
        b"mail",
        b"acct",
        b"identifier",
        b"handle",
        b"benutzer",
        b"usuario",
    ];
    let end: [&[u8]; 8] =
        [b"username", b"userid", b"email", b"loginname", b"loginid", b"accountname", b"benutzername", b"utilisateur"];
    whole.contains(&word) || end.iter().any(|end| word.ends_with(end))
}

/// Whether a path's last part is a method by which one logs in: `/shop.v1.Auth/SignInWithPassword`.
pub(super) fn is_login(path: &str) -> bool {
    let method = path.rsplit('/').next().unwrap_or(path);
    let words: String = method.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let any = |list: &[&str]| list.iter().any(|word| words.contains(word));
    any(&["login", "logon", "signin", "authenticate"])
        && !any(&[
            "token", "code", "oauth", "oidc", "saml", "sso", "qr", "key", "otp", "link", "history", "list", "get",
        ])
}

/// Whether a query or a form logs in with `u` and `p`, as those of InfluxDB 1, Subsonic and DokuWiki do: both are
/// there, and something else that such a one has.
pub(super) fn short_login<N: AsRef<str>>(names: impl Iterator<Item = N>) -> bool {
    let (mut user, mut password, mut other) = (false, false, false);
    for name in names {
        match name.as_ref() {
            "u" => user = true,
            "p" => password = true,
            "db" | "q" | "rp" | "epoch" | "precision" | "chunked" | "consistency" | "c" | "v" | "f" | "do"
            | "action" | "login" | "submit" => other = true,
            _ => {}
        }
    }
    user && password && other
}

/// Whether a form is that of a login: one account and one password. A `token` in it is there against forged requests; in
/// a form with two passwords, which sets a new one, it is what allows that.
pub(super) fn is_login_form<N: AsRef<str>>(names: impl Iterator<Item = N>) -> bool {
    let (mut accounts, mut passwords) = (0, 0);
    for name in names {
        accounts += usize::from(is_account(name.as_ref()));
        passwords += usize::from(hints_at_password(name.as_ref().as_bytes()));
    }
    accounts == 1 && passwords == 1
}

/// Whether a query or a form has a text message sent, as gateways have it: there is a `to`, and a text.
pub(super) fn text_message<N: AsRef<str>>(names: impl Iterator<Item = N>) -> bool {
    let (mut to, mut text) = (false, false);
    for name in names {
        match name.as_ref() {
            "to" => to = true,
            "text" | "msg" | "message" | "sms" | "body" | "content" => text = true,
            _ => {}
        }
    }
    to && text
}

/// Whether a header can hold something worth finding. Headers that steer caches, connections and
/// browsers cannot; names nobody listed can.
pub(super) fn can_hold_secrets(lower: &[u8]) -> bool {
    // Browsers can set no other header of a WebSocket: tokens travel here.
    if lower == b"sec-websocket-protocol" {
        return true;
    }
    let families: [&[u8]; 6] = [b"accept", b"content-", b"if-", b"sec-", b"access-control-", b"x-content-"];
    if families.iter().any(|start| lower.starts_with(start)) {
        return false;
    }
    !matches!(
        lower,
        b"age"
            | b"authentication-info"
            | b"mime-version"
            | b"proxy-authentication-info"
            | b"soapaction"
            | b"x-cache-lookup"
            | b"allow"
            | b"alt-svc"
            | b"cache-control"
            | b"connection"
            | b"date"
            | b"dnt"
            | b"etag"
            | b"expect"
            | b"expires"
            | b"host"
            | b"http2-settings"
            | b"keep-alive"
            | b"last-modified"
            | b"max-forwards"
            | b"origin"
            | b"p3p"
            | b"permissions-policy"
            | b"pragma"
            | b"priority"
            | b"proxy-connection"
            | b"range"
            | b"referrer-policy"
            | b"retry-after"
            | b"server"
            | b"server-timing"
            | b"status"
            | b"strict-transport-security"
            | b"te"
            | b"timing-allow-origin"
            | b"trailer"
            | b"transfer-encoding"
            | b"upgrade"
            | b"upgrade-insecure-requests"
            | b"user-agent"
            | b"vary"
            | b"via"
            | b"x-cache"
            | b"x-frame-options"
            | b"x-powered-by"
            | b"x-requested-with"
            | b"x-xss-protection"
    )
}

/// Whether a URL's path may hold a token or somebody's number: it has a long segment or one of digits, or
/// characters plain paths do without.
pub(super) fn path_can_hold_secrets(path: &[u8]) -> bool {
    path.iter().any(|b| matches!(b, b':' | b'@' | b'=' | b'%' | b'\'' | b'<' | b';'))
        || path.split(|b| *b == b'/').any(|segment| segment.len() >= 20 || segment == b".." || is_number(segment))
}

/// Digits that the number of a person has at least.
const DIGITS: usize = 7;

/// Whether a segment of a path is a number, as states and hospitals give them to persons.
fn is_number(segment: &[u8]) -> bool {
    let digits = segment.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = segment.iter().filter(|b| b.is_ascii_uppercase()).count();
    digits >= DIGITS
        && segment.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || matches!(b, b'-' | b'.'))
        && letters <= digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_known_by_the_last_word_of_their_name() {
        for name in ["user", "j_username", "user[email]", "LoginID", "ctl00$Main$UserName", "log"] {
            assert!(is_account(name), "{name}");
        }
        for name in ["catalog", "password", "name_of_user_agent", "uuid", ""] {
            assert!(!is_account(name), "{name}");
        }
    }

    #[test]
    fn methods_of_a_login_are_known_by_their_name() {
        assert!(["/a.Auth/Login", "/a.v1.Users/SignInWithPassword", "/x/authenticate_user"].into_iter().all(is_login));
        assert!(!["/a.Login/Ping", "/a.Auth/LoginWithToken", "/a.B/GetLoginHistory", ""].into_iter().any(is_login));
    }

    #[test]
    fn queries_with_a_short_login_are_known_by_what_else_they_have() {
        assert!(short_login(["u", "p", "db"].iter()) && short_login(["q", "p", "u"].iter()));
        assert!(short_login(["id", "do", "u", "p", "r"].iter()));
        assert!(!short_login(["u", "p"].iter()) && !short_login(["p", "q"].iter()));
    }

    #[test]
    fn a_login_has_one_account_and_one_password() {
        assert!(is_login_form(["token", "username", "password"].iter()));
        assert!(!is_login_form(["token", "email", "password", "password_confirmation"].iter()));
        assert!(!is_login_form(["token", "password"].iter()));
    }

    #[test]
    fn a_text_and_whom_it_goes_to_are_a_message() {
        assert!(text_message(["user", "to", "text"].iter()) && !text_message(["from", "to"].iter()));
    }

    #[test]
    fn headers_that_nobody_listed_are_looked_at() {
        assert!(can_hold_secrets(b"x-api-key") && can_hold_secrets(b"private-token"));
        assert!(!can_hold_secrets(b"accept-language") && !can_hold_secrets(b"date"));
    }
}
