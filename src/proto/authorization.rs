//! `Authorization` and `Proxy-Authorization` as HTTP, SIP and RTSP have them, and the challenges they answer.

use crate::content::{base64, header};
use crate::model::event::Proof;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::proto::login::HeldLogin;
use crate::proto::ntlm::{self, Message};

/// What servers have asked for on this connection.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    /// How the answer to a digest challenge is written down.
    line: Line,
    /// The realm last named.
    pub(super) realm: Option<String>,
    /// The NTLM challenge, and the packets that carry it.
    ntlm: Option<([u8; 8], Span)>,
}

/// The programs that can attack an answer to a digest challenge.
#[derive(Clone, Copy, Debug, Default)]
enum Line {
    /// John's `hdaa`.
    #[default]
    John,
    /// hashcat's mode 11400, which is John's `sip` too.
    Sip,
}

/// Credentials of a request, until it is answered.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) login: HeldLogin,
    /// They are for the proxy, which answers 407 rather than 401.
    pub(super) proxy: bool,
    note: Option<String>,
}

/// What a credentials header says.
#[derive(Debug)]
pub(super) enum Said {
    /// Credentials an eavesdropper can use. Those without a secret only name their mechanism.
    Login(Credentials),
    /// Nothing is known of its form.
    Other,
}

impl Credentials {
    /// The realm, and what else helps.
    pub(super) fn note(&self, challenges: &Challenges) -> Option<String> {
        self.note.clone().or_else(|| challenges.realm.as_deref().map(realm_note))
    }
}

impl Challenges {
    /// Those of SIP.
    pub(super) fn of_sip() -> Self {
        Self { line: Line::Sip, ..Self::default() }
    }

    /// Takes note of a `WWW-Authenticate` or `Proxy-Authenticate` value.
    pub(super) fn asked(&mut self, value: &[u8], span: Span) {
        if let Some(token) = strip_scheme(value, "NTLM").or_else(|| strip_scheme(value, "Negotiate")) {
            if let Some(Message::Challenge(challenge)) = base64::decode(token).as_deref().and_then(ntlm::find) {
                self.ntlm = Some((challenge, span));
            }
            return;
        }
        // The first parameter stands behind the scheme.
        let realm = header::split_quoted(value, b',').find_map(|part| {
            let at = memchr::memmem::find(&part.to_ascii_lowercase(), b"realm=")?;
            let (_, text) = split_pair(part.get(at..)?)?;
            Some(header::unquoted(text).into_owned())
        });
        if let Some(realm) = realm {
            self.realm = Some(String::from_utf8_lossy(&realm).into_owned());
        }
    }

    /// Reads a credentials header of a request with this method.
    pub(super) fn answered(&self, value: &[u8], method: &[u8], proxy: bool, span: Span) -> Said {
        let (scheme, rest) = match memchr::memchr(b' ', value).and_then(|n| value.split_at_checked(n)) {
            Some((scheme, rest)) => (scheme, rest.trim_ascii()),
            // No scheme, or one without credentials.
            None if value.len() >= 16 => (&b""[..], value),
            None => return Said::Other,
        };
        let mut name = [0u8; 24];
        let Some(lower) = name.get_mut(..scheme.len()) else { return Said::Other };
        lower.copy_from_slice(scheme);
        lower.make_ascii_lowercase();
        let (login, note) = match &*lower {
            b"basic" => match basic(rest, span) {
                Some(login) => (login, None),
                None => return Said::Other,
            },
            b"bearer" => (token("bearer", rest, span), None),
            b"digest" => match Digest::read(rest) {
                Some(digest) => digest.into_login(self.line, method, span),
                None => return Said::Other,
            },
            b"ntlm" | b"negotiate" => self.ntlm(rest, &*lower == b"ntlm", span),
            b"" | b"token" | b"jwt" => (token("token", last_value(rest), span), None),
            b"apikey" | b"api-key" | b"key" | b"x-api-key" => (token("apikey", last_value(rest), span), None),
            b"dpop" => (token("dpop", rest, span), None),
            b"sharedaccesssignature" => (token("sas", rest, span), None),
            b"oauth" => (oauth(rest, span), None),
            // The secret is not sent, only something signed with it.
            b"aws4-hmac-sha256" | b"aws" => (token("aws-signature", b"", span), None),
            b"hawk" => (token("hawk", b"", span), None),
            b"signature" | b"sharedkey" | b"sharedkeylite" => (token("signature", b"", span), None),
            _ => return Said::Other,
        };
        Said::Login(Credentials { login, proxy, note })
    }

    fn ntlm(&self, rest: &[u8], bare: bool, span: Span) -> (HeldLogin, Option<String>) {
        let mechanism = if bare { "ntlm" } else { "negotiate" };
        let raw = base64::decode(rest).unwrap_or_default();
        let Some(Message::Authenticate(response)) = ntlm::find(&raw) else {
            // The first leg, or Kerberos.
            return (token(mechanism, b"", span), None);
        };
        let (challenge, span) = match self.ntlm {
            Some((challenge, asked)) => (Some(challenge), asked.join(span)),
            None => (None, span),
        };
        let note = response.note();
        (response.into_login(challenge, span), note)
    }
}

/// RFC 7617. A password may be missing where the name is a key.
fn basic(rest: &[u8], span: Span) -> Option<HeldLogin> {
    let text = base64::decode(rest)?;
    let Some(colon) = memchr::memchr(b':', &text) else { return Some(token("basic", &text, span)) };
    let (user, password) = text.split_at_checked(colon)?;
    let password = password.strip_prefix(b":").unwrap_or(password);
    if password.is_empty() || password == b"x-oauth-basic" {
        return Some(token("basic", user, span));
    }
    Some(HeldLogin::clear("basic", Some(user), password, span))
}

/// The answer to a digest challenge (RFC 7616): what an offline attack on the password needs.
#[derive(Default)]
struct Digest {
    response: Vec<u8>,
    user: Vec<u8>,
    realm: Vec<u8>,
    uri: Vec<u8>,
    nonce: Vec<u8>,
    count: Vec<u8>,
    cnonce: Vec<u8>,
    qop: Vec<u8>,
    algorithm: Vec<u8>,
}

impl Digest {
    fn read(rest: &[u8]) -> Option<Self> {
        let mut digest = Self::default();
        for part in header::split_quoted(rest, b',') {
            let Some((name, text)) = split_pair(part) else { continue };
            let slot = match name.to_ascii_lowercase().as_slice() {
                b"response" => &mut digest.response,
                b"username" => &mut digest.user,
                b"realm" => &mut digest.realm,
                b"uri" => &mut digest.uri,
                b"nonce" => &mut digest.nonce,
                b"nc" => &mut digest.count,
                b"cnonce" => &mut digest.cnonce,
                b"qop" => &mut digest.qop,
                b"algorithm" => &mut digest.algorithm,
                _ => continue,
            };
            *slot = header::unquoted(text).into_owned();
        }
        (!digest.response.is_empty() && !digest.user.is_empty()).then_some(digest)
    }

    fn into_login(self, line: Line, method: &[u8], span: Span) -> (HeldLogin, Option<String>) {
        let note = realm_note(&String::from_utf8_lossy(&self.realm));
        let username = Some(self.user.clone());
        let (secret, hashcat) = match line {
            Line::John => (self.john(method), None),
            Line::Sip => self.sip(method),
        };
        let proof = Proof::ChallengeResponse { hashcat };
        (HeldLogin { mechanism: "digest", proof, username, secret: HeldSecret::new(secret), span }, Some(note))
    }

    fn john(self, method: &[u8]) -> Vec<u8> {
        let Self { response, user, realm, uri, nonce, count, cnonce, qop, .. } = self;
        let mut parts = vec![b"$response".to_vec(), response, user, realm, method.to_vec(), uri, nonce];
        if !qop.is_empty() {
            parts.extend([count, cnonce, qop]);
        }
        parts.join(&b'$')
    }

    /// The line, and the mode if hashcat can read it: it knows MD5, and nothing between two asterisks may have one.
    fn sip(self, method: &[u8]) -> (Vec<u8>, Option<u32>) {
        let Self { response, user, realm, uri, nonce, count, cnonce, qop, algorithm } = self;
        // What is scheme, resource and suffix is of no matter: they are put together with colons again.
        let mut pieces = uri.splitn(3, |b| *b == b':');
        let (scheme, resource) = match (pieces.next().unwrap_or_default(), pieces.next()) {
            (scheme, Some(resource)) => (scheme, resource),
            (resource, None) => (&b""[..], resource),
        };
        let suffix = pieces.next().unwrap_or_default();
        let (count, cnonce) = if qop.is_empty() { Default::default() } else { (count, cnonce) };
        let algorithm = if algorithm.is_empty() { b"MD5".to_vec() } else { algorithm.to_ascii_uppercase() };
        let readable = algorithm == b"MD5" && response.len() == 32;
        let server = resource.rsplit(|b| *b == b'@').next().unwrap_or_default();
        let target: [&[u8]; 7] = [server, b"", &user, &realm, method, scheme, resource];
        let answer: [&[u8]; 7] = [suffix, &nonce, &cnonce, &count, &qop, &algorithm, &response];
        let parts = [target, answer].concat();
        let whole = parts.iter().all(|part| !part.contains(&b'*'));
        ([&b"$sip$*"[..], &parts.join(&b'*')].concat(), (readable && whole).then_some(11400))
    }
}

/// RFC 5849: with the method PLAINTEXT, the signature is the secrets themselves.
fn oauth(rest: &[u8], span: Span) -> HeldLogin {
    let value = |wanted: &[u8]| {
        let pairs = header::split_quoted(rest, b',').filter_map(split_pair);
        pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, text)| header::unquoted(text).into_owned())
    };
    let plain = value(b"oauth_signature_method").is_some_and(|m| m.eq_ignore_ascii_case(b"PLAINTEXT"));
    let secret = if plain { value(b"oauth_signature") } else { None };
    token("oauth", &secret.unwrap_or_default(), span)
}

fn token(mechanism: &'static str, secret: &[u8], span: Span) -> HeldLogin {
    HeldLogin { mechanism, proof: Proof::Token, username: None, secret: HeldSecret::new(secret), span }
}

/// The value of `token="…"`, or the text itself.
fn last_value(rest: &[u8]) -> &[u8] {
    match split_pair(rest) {
        Some((b"token" | b"key" | b"apikey" | b"api_key", text)) => {
            text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text)
        }
        _ => rest,
    }
}

fn realm_note(realm: &str) -> String {
    format!("realm \"{realm}\"")
}

fn strip_scheme<'a>(value: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let (name, rest) = value.split_at_checked(scheme.len())?;
    let fits = name.eq_ignore_ascii_case(scheme.as_bytes()) && rest.first().is_none_or(|b| *b == b' ');
    fits.then(|| rest.trim_ascii())
}

fn split_pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, text) = part.split_at_checked(memchr::memchr(b'=', part)?)?;
    Some((name.trim_ascii(), text.strip_prefix(b"=")?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mechanism, user and secret of a header.
    fn read(challenges: &Challenges, value: &[u8]) -> Option<(&'static str, String, String)> {
        let Said::Login(found) = challenges.answered(value, b"GET", false, Span::default()) else { return None };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let user = text(found.login.username.as_deref().unwrap_or_default());
        Some((found.login.mechanism, user, text(found.login.secret.as_secret().expose())))
    }

    fn said(value: &[u8]) -> Option<(&'static str, String, String)> {
        read(&Challenges::default(), value)
    }

    fn some(mechanism: &'static str, user: &str, secret: &str) -> Option<(&'static str, String, String)> {
        Some((mechanism, user.into(), secret.into()))
    }

    #[test]
    fn schemes_give_their_secret() {
        assert_eq!(said(b"Basic dGVzdDoxOjM0"), some("basic", "test", "1:34"));
        assert_eq!(said(b"basic c2tfbGl2ZTo="), some("basic", "", "sk_live"));
        assert_eq!(said(b"Bearer mF_9.B5f-4.1JqM"), some("bearer", "", "mF_9.B5f-4.1JqM"));
        assert_eq!(said(b"Token token=\"abc\""), some("token", "", "abc"));
        assert_eq!(said(b"ApiKey VnVhQ2ZHY0JDZGJrUW0="), some("apikey", "", "VnVhQ2ZHY0JDZGJrUW0="));
        assert_eq!(said(b"0123456789abcdef0123"), some("token", "", "0123456789abcdef0123"));
        assert_eq!(said(b"Unheard-Of x=1"), None);
    }

    #[test]
    fn signatures_are_no_secrets() {
        assert_eq!(said(b"AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=ff"), some("aws-signature", "", ""));
        assert_eq!(said(b"OAuth oauth_signature_method=\"HMAC-SHA1\", oauth_signature=\"x\""), some("oauth", "", ""));
        let plain = b"OAuth oauth_signature_method=\"PLAINTEXT\", oauth_signature=\"a&b\"";
        assert_eq!(said(plain), some("oauth", "", "a&b"));
    }

    #[test]
    fn a_digest_gives_the_line_john_reads() {
        let value = b"Digest username=\"moi\", realm=\"my, realm\", nonce=\"af32\", uri=\"/\", response=\"faa6\"";
        assert_eq!(said(value), some("digest", "moi", "$response$faa6$moi$my, realm$GET$/$af32"));
        let value = b"Digest username=u,realm=r,nonce=n,uri=\"/\",response=f,qop=auth,nc=00000001,cnonce=\"c\"";
        assert_eq!(said(value), some("digest", "u", "$response$f$u$r$GET$/$n$00000001$c$auth"));
    }

    #[test]
    fn a_digest_of_sip_gives_the_line_hashcat_reads() {
        let sip = |value: &[u8]| {
            let said = Challenges::of_sip().answered(value, b"REGISTER", false, Span::default());
            let Said::Login(found) = said else { panic!("no login") };
            let secret = String::from_utf8_lossy(found.login.secret.as_secret().expose()).into_owned();
            (secret, found.login.proof)
        };
        let value = b"Digest username=\"1001\", realm=\"pbx\", nonce=\"af32\", uri=\"sip:10.0.0.2:5060;lr\", \
            response=\"0123456789abcdef0123456789abcdef\", algorithm=md5";
        let line =
            "$sip$*10.0.0.2**1001*pbx*REGISTER*sip*10.0.0.2*5060;lr*af32****MD5*0123456789abcdef0123456789abcdef";
        assert_eq!(sip(value), (line.to_owned(), Proof::ChallengeResponse { hashcat: Some(11400) }));
        let value =
            b"Digest username=u,realm=r,nonce=n,uri=\"sip:a@h\",response=f,qop=auth,nc=1,cnonce=c,algorithm=SHA-256";
        let line = "$sip$*h**u*r*REGISTER*sip*a@h**n*c*1*auth*SHA-256*f";
        assert_eq!(sip(value), (line.to_owned(), Proof::ChallengeResponse { hashcat: None }));
    }

    #[test]
    fn the_realm_is_read_from_any_challenge() {
        for value in [
            &b"Basic realm=\"The Lab\""[..],
            b"Digest qop=\"auth\", realm=\"The Lab\"",
            b"Basic charset=x, realm=\"The Lab\"",
        ] {
            let mut challenges = Challenges::default();
            challenges.asked(value, Span::default());
            assert_eq!(challenges.realm.as_deref(), Some("The Lab"));
        }
    }
}
