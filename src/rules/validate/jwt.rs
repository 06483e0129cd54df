//! JSON Web Tokens (RFC 7519): three base64url parts, of which the first two are JSON objects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Subject, Verdict};
use crate::model::finding::Confidence;
use crate::model::time::Timestamp;

/// The header must be JSON with an `alg` (or, encrypted, `enc`). The note says the algorithm, the
/// issuer and whether it had expired when it was sent.
pub(super) fn check(subject: &Subject<'_>) -> Option<Verdict> {
    let text = std::str::from_utf8(subject.value).ok()?;
    let mut parts = text.split('.');
    let header: Value = serde_json::from_slice(&decode(parts.next()?)?).ok()?;
    let algorithm = header.get("alg")?.as_str()?;
    let mut note = format!("alg {}", plain(algorithm));
    let claims = parts.next().and_then(decode).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if let Some(claims) = &claims {
        if let Some(issuer) = claims.get("iss").and_then(Value::as_str) {
            note.push_str(", iss ");
            note.push_str(&plain(issuer));
        }
        if let Some(expiry) = claims.get("exp").and_then(Value::as_f64) {
            #[allow(clippy::cast_possible_truncation, reason = "saturates, as the timestamp does")]
            let expiry = Timestamp::from_parts(expiry as i64, 0);
            let expired = if expiry.since(subject.at) < 0 { "expired" } else { "expires" };
            note.push_str(&format!(", {expired} {expiry}"));
        }
    }
    Some(Verdict { confidence: Some(Confidence::High), note: Some(note), ..Verdict::default() })
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()
}

/// The first characters of a claim.
fn plain(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(claims: &str, now: i64) -> Option<String> {
        let token = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
        check(&Subject { value: token.as_bytes(), at: Timestamp::from_parts(now, 0) })?.note
    }

    #[test]
    fn expiry_is_judged_when_it_was_sent() {
        let claims = r#"{"iss":"idp","exp":1000}"#;
        assert_eq!(note(claims, 999).unwrap(), "alg HS256, iss idp, expires 1970-01-01T00:16:40.000000Z");
        assert_eq!(note(claims, 1001).unwrap(), "alg HS256, iss idp, expired 1970-01-01T00:16:40.000000Z");
    }

    #[test]
    fn three_parts_alone_make_no_token() {
        let subject = Subject { value: b"www.example.com", at: Timestamp::default() };
        assert!(check(&subject).is_none());
    }
}
