//! What a media type (RFC 9110 section 8.3) says about content.

use super::document::Kind;
use super::header;
use crate::model::event::Format;

/// How content of a type is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// Pictures, sound, archives, fonts, programs.
    Binary,
    /// A binary message of this kind.
    Document(Kind),
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Parts, between delimiters made of this boundary where the type names one.
    Multipart(Option<Vec<u8>>),
    /// Messages of gRPC, gRPC-Web or Connect, each with its length before it.
    Rpc {
        /// All of it is written in base64.
        base64: bool,
    },
    /// Text of this format.
    Text(Format),
    /// The type does not say: the content's first bytes do.
    Unknown,
}

/// What a `Content-Type` value says.
pub fn of(content_type: &[u8]) -> Media {
    let essence = content_type.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    let mut lower = [0u8; 96];
    let Some(name) = lower.get_mut(..essence.len()) else { return Media::Unknown };
    name.copy_from_slice(essence);
    name.make_ascii_lowercase();
    let Ok(name) = std::str::from_utf8(name) else { return Media::Unknown };
    let (kind, sub) = name.split_once('/').unwrap_or((name, ""));
    match (kind, sub) {
        ("multipart", _) => Media::Multipart(header::parameter(content_type, "boundary").map(Into::into)),
        (_, "x-www-form-urlencoded") => Media::Form,
        ("application", _) if sub.starts_with("grpc") || sub.starts_with("connect+") => {
            Media::Rpc { base64: sub.starts_with("grpc-web-text") }
        }
        _ => match format(kind, sub) {
            Some(format) => Media::Text(format),
            None if binary(kind, sub) => Media::Binary,
            None if kind == "application" => Kind::of_subtype(sub).map_or(Media::Unknown, Media::Document),
            None => Media::Unknown,
        },
    }
}

fn format(kind: &str, sub: &str) -> Option<Format> {
    let suffix = sub.rsplit_once('+').map(|(_, suffix)| suffix);
    Some(match (suffix.unwrap_or(sub), kind) {
        ("json" | "x-json" | "x-ndjson" | "ndjson" | "jsonl" | "x-jsonlines" | "json-seq", _) => Format::Json,
        ("html", _) | ("xml", "application") if matches!(sub, "html" | "xhtml+xml") => Format::Html,
        ("xml" | "xml-dtd", _) => Format::Xml,
        ("csv" | "tab-separated-values" | "tsv", _) => Format::Csv,
        ("javascript" | "x-javascript" | "ecmascript" | "css", _) => Format::Script,
        ("sql" | "x-sql", _) => Format::Sql,
        ("yaml" | "x-yaml" | "toml" | "x-sh" | "x-httpd-php" | "x-pem-file" | "pgp-keys" | "graphql" | "ldif", _)
        | (_, "text" | "message") => Format::Plain,
        _ => return None,
    })
}

fn binary(kind: &str, sub: &str) -> bool {
    let office = ["vnd.openxmlformats-", "vnd.ms-", "vnd.oasis.", "x-font-", "font-"];
    match kind {
        "image" | "video" | "audio" | "font" | "model" => true,
        "application" => {
            office.iter().any(|start| sub.starts_with(start))
                || matches!(
                    sub,
                    "zip"
                        | "gzip"
                        | "x-gzip"
                        | "zstd"
                        | "x-bzip2"
                        | "x-xz"
                        | "x-tar"
                        | "x-7z-compressed"
                        | "java-archive"
                        | "x-rar-compressed"
                        | "vnd.rar"
                        | "x-compressed"
                        | "x-zip-compressed"
                        | "pdf"
                        | "msword"
                        | "wasm"
                        | "x-msdownload"
                        | "x-shockwave-flash"
                        | "vnd.android.package-archive"
                        | "x-debian-package"
                        | "vnd.debian.binary-package"
                        | "x-rpm"
                        | "ogg"
                        | "mp4"
                        | "x-apple-diskimage"
                        | "x-iso9660-image"
                )
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_name_their_format_whatever_their_spelling() {
        for (name, media) in [
            ("text/html; charset=UTF-8", Media::Text(Format::Html)),
            ("Application/Problem+JSON", Media::Text(Format::Json)),
            ("application/xhtml+xml", Media::Text(Format::Html)),
            ("application/soap+xml", Media::Text(Format::Xml)),
            ("image/svg+xml", Media::Text(Format::Xml)),
            ("text/css", Media::Text(Format::Script)),
            ("text/x-unheard-of", Media::Text(Format::Plain)),
            ("application/grpc", Media::Rpc { base64: false }),
            ("application/grpc+json", Media::Rpc { base64: false }),
            ("application/grpc-web-text+proto", Media::Rpc { base64: true }),
            ("application/connect+proto", Media::Rpc { base64: false }),
            ("application/proto", Media::Document(Kind::Protobuf)),
            ("image/png", Media::Binary),
            ("application/vnd.ms-excel", Media::Binary),
            ("application/octet-stream", Media::Unknown),
            ("", Media::Unknown),
        ] {
            assert_eq!(of(name.as_bytes()), media, "{name}");
        }
    }

    #[test]
    fn a_multipart_names_its_boundary() {
        assert_eq!(of(b"multipart/form-data; boundary=\"a b\""), Media::Multipart(Some(b"a b".to_vec())));
        assert_eq!(of(b"multipart/mixed"), Media::Multipart(None));
    }
}
