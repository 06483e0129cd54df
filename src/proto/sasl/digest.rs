//! DIGEST-MD5 (RFC 2831). The client's response alone has all that an attack needs.

use crate::proto::cursor::Cursor;

/// The user name, and the line John the Ripper reads as `dmd5`.
pub(super) fn response(message: &[u8]) -> Option<(Vec<u8>, String)> {
    let find = |name: &[u8]| directive(message, name);
    let username = find(b"username")?;
    let response = find(b"response").filter(|r| r.len() == 32)?;
    let text = |name: &[u8]| find(name).map(|v| String::from_utf8_lossy(&v).into_owned()).unwrap_or_default();
    let mut line = format!(
        "$DIGEST-MD5${}${}${}${}${}${}${}${}",
        text(b"username"),
        text(b"realm"),
        text(b"nonce"),
        text(b"digest-uri"),
        text(b"cnonce"),
        text(b"nc"),
        text(b"qop"),
        String::from_utf8_lossy(&response),
    );
    let authorize = text(b"authzid");
    if !authorize.is_empty() {
        line.push('$');
        line.push_str(&authorize);
    }
    Some((username, line))
}

/// The value of `name=value` or `name="value"` in a comma separated list.
fn directive(message: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(message);
    loop {
        while matches!(cursor.peek()?, b',' | b' ' | b'\t' | b'\r' | b'\n') {
            cursor.skip(1)?;
        }
        let key = cursor.until(b'=')?.trim_ascii();
        let value = value(&mut cursor);
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
    }
}

fn value(cursor: &mut Cursor<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    if cursor.peek() != Some(b'"') {
        while let Some(byte) = cursor.peek().filter(|b| *b != b',') {
            value.push(byte);
            let _ = cursor.skip(1);
        }
        return value.trim_ascii().to_vec();
    }
    let _ = cursor.skip(1);
    while let Some(byte) = cursor.u8() {
        match byte {
            b'"' => break,
            b'\\' => value.extend(cursor.u8()),
            _ => value.push(byte),
        }
    }
    value
}
