//! What analyzers say. Events borrow from the stream and live for one call; rules turn them into
//! findings, the ledger turns them into links.

use super::digest::Digest;
use super::flow::{Direction, Endpoint};
use super::limits::{self, Cap};
use super::link::{Encryption, Upgrade};
use super::packet::Span;
use super::secret::Secret;
use super::stream::Stretch;
use super::tls::Handshake;

/// Takes what an analyzer says.
pub trait EventSink {
    /// One event. What it borrows is gone when the call returns.
    fn event(&mut self, event: Event<'_>);

    /// A cap was reached.
    fn beyond(&mut self, cap: Cap) {
        self.event(Event::Beyond(cap));
    }

    /// Whether it is known what content of this digest holds: that is said again, of the packets of `coded`,
    /// and the content need not be decoded. What is made of it must follow from the digest alone.
    fn recalls(&mut self, _content: &Digest, _coded: Stretch<'_>) -> bool {
        false
    }

    /// Decoded bytes of one message body that are wanted.
    fn most_of_body(&self) -> u64 {
        limits::BODY_TOTAL_BYTES as u64
    }

    /// All that was said since [`EventSink::recalls`] said no was of this content.
    fn learn(&mut self, _content: Digest, _coded: Stretch<'_>) {}
}

/// One thing seen in a flow.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A cap was reached: something is not remembered, or not followed.
    Beyond(Cap),
    /// A named value: a header, a cookie, a form field, a column of a row, a bind parameter.
    Field(Field<'a>),
    /// A fact about the link itself.
    Link(LinkFact<'a>),
    /// Somebody proved who they are, or tried to.
    Login(Login<'a>),
    /// Bytes that were not looked at, and why.
    Skipped {
        /// Why.
        reason: Skip,
        /// How many.
        bytes: u64,
    },
    /// A run of content for the content rules: a body, a message, a file, a statement.
    Text(Text<'a>),
    /// A TLS handshake got as far as it will.
    Tls(&'a Handshake),
    /// Something weak in a handshake or a certificate, graded by a rule.
    Weakness(Weakness<'a>),
}

/// Whether the server let a login in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The answer was not seen.
    #[default]
    Unknown,
    /// The server refused.
    Rejected,
    /// The server agreed.
    Accepted,
}

impl Outcome {
    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// What the secret of a login is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The password itself, after any reversible encoding was undone.
    Password,
    /// A token that is as good as a login: bearer, API key, session id, ticket.
    Token,
    /// A challenge and its response, which can be attacked offline. The login's secret is the line a
    /// cracker reads; this is the hashcat mode, where hashcat has one.
    ChallengeResponse {
        /// `hashcat -m`.
        hashcat: Option<u32>,
    },
}

/// A login with its outcome. Reported once, when the server has answered or never will.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The mechanism by its usual name: `clear`, `basic`, `digest`, `bearer`, `md5`, `scram-sha-256`,
    /// `mysql_native_password`, `cram-md5`, `plain`, `login`, `simple`, ….
    pub mechanism: &'static str,
    /// What the secret is.
    pub proof: Proof,
    /// The account, as sent.
    pub username: Option<&'a [u8]>,
    /// The secret: for [`Proof::ChallengeResponse`] the line hashcat or John reads.
    pub secret: Secret<'a>,
    /// Where in the protocol it stood: `http.request.header.authorization`, `postgresql.password`.
    pub field: &'a str,
    /// Who sent it.
    pub direction: Direction,
    /// Whether it was let in.
    pub outcome: Outcome,
    /// A fact that helps to find it: the realm, the database, the host. Never a secret.
    pub note: Option<&'a str>,
    /// The packets that carry it.
    pub span: Span,
}

/// What kind of place a field is: rules choose fields by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// An LDAP attribute, a hash field, a property.
    Attribute,
    /// A column of a result row.
    Column,
    /// A request cookie.
    Cookie,
    /// An HTML form field (`application/x-www-form-urlencoded` or `multipart/form-data`).
    Form,
    /// A request or response header.
    Header,
    /// A JSON member, named by its path.
    Json,
    /// The key of a key-value store.
    Key,
    /// A parameter bound to a statement.
    Parameter,
    /// A parameter of a URL's query.
    Query,
    /// A cookie that the server sets.
    SetCookie,
    /// A literal of a statement, named by the column it is assigned to or compared with.
    Sql,
    /// An XML element or attribute.
    Xml,
}

impl FieldKind {
    /// Whether one answer has such a field many times: once in each row or entry.
    pub const fn repeats(self) -> bool {
        match self {
            Self::Attribute | Self::Column | Self::Json | Self::Key | Self::Parameter | Self::Sql | Self::Xml => true,
            Self::Cookie | Self::Form | Self::Header | Self::Query | Self::SetCookie => false,
        }
    }

    /// The name rules and outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Column => "column",
            Self::Cookie => "cookie",
            Self::Form => "form",
            Self::Header => "header",
            Self::Json => "json",
            Self::Key => "key",
            Self::Parameter => "parameter",
            Self::Query => "query",
            Self::SetCookie => "set_cookie",
            Self::Sql => "sql",
            Self::Xml => "xml",
        }
    }
}

/// A named value as its parser understood it, decoded (percent, base64 transfer encoding, …).
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its kind.
    pub kind: FieldKind,
    /// Where it stands, without its own name: `http.request.header`, `postgresql.row`.
    pub place: &'a str,
    /// Its own name: header name, cookie name, form key, JSON path, column name. May be empty.
    pub name: &'a str,
    /// The value.
    pub value: Secret<'a>,
    /// The thing it is part of, for context: URL path, table, file, mailbox. May be empty.
    pub resource: &'a str,
    /// Who sent it.
    pub direction: Direction,
    /// The account named beside it: the user field of the same form, the login column of the same
    /// row. `None` where there is none or the parser does not pair them.
    pub account: Option<&'a [u8]>,
    /// Whether the server accepted the request it was part of, where that is known.
    pub outcome: Outcome,
    /// The packets that carry it.
    pub span: Span,
}

/// What a run of content is written in, as far as its carrier says or its first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma, semicolon or tab separated values with a header line.
    Csv,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// HTML.
    Html,
    /// JSON, or JSON lines.
    Json,
    /// Anything else that is text: logs, configuration, mail, chat, source code.
    Plain,
    /// JavaScript or CSS: program text that anyone may fetch.
    Script,
    /// SQL statements.
    Sql,
    /// XML of any dialect.
    Xml,
}

/// A run of content. Rules scan it with literals first and parse its structure only on a hit.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Its format.
    pub format: Format,
    /// Where it stands: `http.response.body`, `smtp.message.text`, `mysql.query`.
    pub place: &'a str,
    /// The thing it is: URL path, file name, table. May be empty.
    pub resource: &'a str,
    /// Who sent it.
    pub direction: Direction,
    /// Whether the server accepted the request it was part of, where that is known (a JSON login).
    pub outcome: Outcome,
    /// The content, decoded.
    pub data: Stretch<'a>,
    /// The first so many bytes were part of the text before and are here for context only: a match
    /// that ends inside them was already reported.
    pub seen: usize,
}

/// A fact about a link.
#[derive(Clone, Copy, Debug)]
pub enum LinkFact<'a> {
    /// An authentication mechanism was used; names as in [`Login::mechanism`].
    Auth(&'static str),
    /// From here on everything is encrypted this way.
    Encrypted(Encryption),
    /// The server will be called by, or will call, this endpoint for a connection of this protocol
    /// (the data connection of an FTP transfer).
    Expect {
        /// Where the connection goes to. An unspecified address (`0.0.0.0`) is that of this flow's
        /// own server.
        endpoint: Endpoint,
        /// The protocol's name.
        protocol: &'static str,
    },
    /// The server's name as the client said it: Host header, SNI.
    ServerName(&'a str),
    /// What became of an in-band switch to TLS.
    Upgrade(Upgrade),
    /// The protocol's grammar was broken and the analyzer resynchronised.
    Violation,
}

/// Why bytes were not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// Images, archives, fonts, executables: recognised and not scanned.
    Binary,
    /// A content coding or transfer encoding nobody here reads, or one that is broken.
    Coding,
    /// After the handshake of an encrypted protocol.
    Encrypted,
    /// After a gap, until the analyzer found its footing again.
    Gap,
    /// Past a limit of [`super::limits`].
    Limit,
    /// A message the analyzer could not make sense of.
    Malformed,
    /// A file that only its owner's password opens: an encrypted archive or document.
    Sealed,
    /// No analyzer knows the protocol, and it is not text.
    UnknownProtocol,
}

impl Skip {
    /// The name the summary uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary content",
            Self::Coding => "unreadable coding",
            Self::Encrypted => "encrypted after handshake",
            Self::Gap => "resynchronising after a gap",
            Self::Limit => "over a limit",
            Self::Malformed => "malformed message",
            Self::Sealed => "encrypted content",
            Self::UnknownProtocol => "unknown protocol",
        }
    }
}

/// Something weak. Which finding it becomes, and how severe, its rule says.
#[derive(Clone, Copy, Debug)]
pub struct Weakness<'a> {
    /// What, by the kind of finding it leads to: `tls.version`, `tls.cipher`, `cert.expired`, ….
    pub kind: &'static str,
    /// The graded value: `TLSv1.0`, `TLS_RSA_WITH_RC4_128_MD5`, the certificate's subject.
    pub value: &'a str,
    /// A sentence with the facts.
    pub note: &'a str,
    /// How bad within its kind: a rule may give each grade its own severity.
    pub grade: Grade,
    /// Who sent it.
    pub direction: Direction,
    /// The packets that carry it.
    pub span: Span,
}

/// How bad a weakness is within its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Should be improved.
    Dated,
    /// Can be attacked with effort.
    Weak,
    /// Gives no protection worth the name.
    Broken,
}
