//! Where a value may stand: kinds of fields, formats of text, who sent it.

use serde::Deserialize;

use crate::model::event::{FieldKind, Format};
use crate::model::flow::Direction;

/// Who sent it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The client.
    ToServer,
    /// The server.
    ToClient,
}

impl Way {
    /// Whether `direction` is this one.
    pub const fn is(self, direction: Direction) -> bool {
        matches!((self, direction), (Self::ToServer, Direction::ToServer) | (Self::ToClient, Direction::ToClient))
    }
}

/// The names of the formats.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum FormatName {
    /// [`Format::Csv`].
    Csv,
    /// [`Format::Form`].
    Form,
    /// [`Format::Html`].
    Html,
    /// [`Format::Json`].
    Json,
    /// [`Format::Plain`].
    Plain,
    /// [`Format::Script`].
    Script,
    /// [`Format::Sql`].
    Sql,
    /// [`Format::Xml`].
    Xml,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => Self::Csv,
            FormatName::Form => Self::Form,
            FormatName::Html => Self::Html,
            FormatName::Json => Self::Json,
            FormatName::Plain => Self::Plain,
            FormatName::Script => Self::Script,
            FormatName::Sql => Self::Sql,
            FormatName::Xml => Self::Xml,
        }
    }
}

/// What kind of place a named value stands in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// [`FieldKind::Attribute`].
    Attribute,
    /// [`FieldKind::Column`], and a column of CSV.
    Column,
    /// [`FieldKind::Cookie`].
    Cookie,
    /// [`FieldKind::Form`].
    Form,
    /// [`FieldKind::Header`].
    Header,
    /// [`FieldKind::Json`].
    Json,
    /// [`FieldKind::Key`].
    Key,
    /// `name = value`, `name: value`, a label before a value.
    Label,
    /// [`FieldKind::Parameter`].
    Parameter,
    /// [`FieldKind::Query`].
    Query,
    /// [`FieldKind::SetCookie`].
    SetCookie,
    /// [`FieldKind::Sql`].
    Sql,
    /// [`FieldKind::Xml`].
    Xml,
}

impl From<FieldKind> for Place {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Attribute => Self::Attribute,
            FieldKind::Column => Self::Column,
            FieldKind::Cookie => Self::Cookie,
            FieldKind::Form => Self::Form,
            FieldKind::Header => Self::Header,
            FieldKind::Json => Self::Json,
            FieldKind::Key => Self::Key,
            FieldKind::Parameter => Self::Parameter,
            FieldKind::Query => Self::Query,
            FieldKind::SetCookie => Self::SetCookie,
            FieldKind::Sql => Self::Sql,
            FieldKind::Xml => Self::Xml,
        }
    }
}
