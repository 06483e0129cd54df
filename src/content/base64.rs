//! Base64 as it is met on the wire.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// With or without padding, with stray bits in the last character.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes base64 (RFC 4648, section 4), padded or not. `None`: it is something else.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    LENIENT.decode(text).ok()
}

/// Appends what `text` decodes to. Says whether it was base64.
pub fn decode_into(text: &[u8], into: &mut Vec<u8>) -> bool {
    LENIENT.decode_vec(text, into).is_ok()
}

/// Encodes with padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_may_be_missing() {
        assert_eq!(decode(b"dXNlcg==").as_deref(), Some(&b"user"[..]));
        assert_eq!(decode(b"dXNlcg").as_deref(), Some(&b"user"[..]));
        assert_eq!(decode(b"not base64!"), None);
    }
}
