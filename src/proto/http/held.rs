//! Request content that waits for the answer.

use super::exchange::Answer;
use super::fields::{FORM, Origin, QUERY};
use super::parts::Parts;
use crate::content::charset::Charset;
use crate::model::event::{EventSink, Format, Outcome};
use crate::model::flow::Direction;
use crate::model::stream::{Gathered, Stretch};
use crate::proto::login::HeldLogin;

/// Request content (or a query) that waits for the answer.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) content: Gathered,
    pub(super) form: Form,
    pub(super) resource: String,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Form {
    /// A login as it was read from a message, and where that stood.
    Login(HeldLogin, &'static str),
    /// Text, and where it stands.
    Message(Format, &'static str),
    Multipart(Parts),
    Query,
    Urlencoded(Option<Charset>),
}

impl Held {
    /// A query that waits for the answer.
    pub(super) fn query(data: Stretch<'_>, range: std::ops::Range<usize>, resource: &str) -> Self {
        let mut content = Gathered::default();
        content.push_part(data, range);
        Self { content, form: Form::Query, resource: resource.to_owned() }
    }

    /// Says it, with the outcome where there is an answer.
    pub(super) fn report(mut self, answer: Option<Answer>, out: &mut dyn EventSink) {
        let read = match self.form {
            Form::Login(..) | Form::Message(..) => Answer::of_message,
            Form::Multipart(_) | Form::Query | Form::Urlencoded(_) => Answer::of_form,
        };
        let outcome = answer.map_or(Outcome::Unknown, read);
        let origin = Origin { resource: &self.resource, direction: Direction::ToServer, outcome };
        let data = self.content.stretch();
        match &mut self.form {
            Form::Login(login, place) => login.report(place, outcome, out),
            Form::Message(format, place) => origin.text(place, *format, data, 0, out),
            Form::Multipart(parts) => parts.rest(data, &origin, out),
            Form::Query => origin.pairs(QUERY, data, None, out),
            Form::Urlencoded(charset) => origin.pairs(FORM, data, *charset, out),
        }
    }
}
