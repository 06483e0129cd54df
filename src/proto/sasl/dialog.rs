//! SASL as SMTP, POP3 and IMAP carry it: one line of base64 per message, `*` to cancel.

use super::{Exchange, decode_base64};
use crate::model::event::{EventSink, Outcome};
use crate::model::packet::Span;
use crate::proto::login::HeldLogin;
use crate::proto::upgrade::Offer;

/// The exchange of a connection, from the command that starts it to the server's verdict.
#[derive(Debug, Default)]
pub struct Dialog {
    /// The client's next lines belong to it.
    exchange: Option<Exchange>,
    /// What it came to, when its last message has been sent for certain.
    login: Option<HeldLogin>,
}

/// What a line of the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The client gives up.
    Cancelled,
    /// Not part of an exchange: a command.
    Command,
    /// A message of the exchange.
    Message,
}

impl Dialog {
    /// The client starts an exchange, with or without its first message.
    pub fn start(&mut self, mechanism: &[u8], initial: &[u8], span: Span) {
        let mut exchange = Exchange::new(mechanism);
        exchange.client_base64(initial, span);
        self.exchange = Some(exchange);
    }

    /// The client's next line.
    pub fn client(&mut self, line: &[u8], span: Span) -> Line {
        let Some(exchange) = &mut self.exchange else { return Line::Command };
        if line == b"*" {
            return Line::Cancelled;
        }
        // The server's verdict was not captured, or is still to come, when a command follows.
        let command = matches!(line.to_ascii_uppercase().as_slice(), b"QUIT" | b"RSET" | b"NOOP" | b"STAT" | b"LIST");
        if command || decode_base64(line).is_none() {
            self.login = self.exchange.take().map(Exchange::into_login);
            return Line::Command;
        }
        exchange.client_base64(line, span);
        Line::Message
    }

    /// A message of the server.
    pub fn server(&mut self, text: &[u8]) {
        if let Some(exchange) = &mut self.exchange {
            exchange.server_base64(text);
        }
    }

    /// The server has spoken, the client has cancelled, or nothing more will come.
    pub fn judge(&mut self, field: &str, outcome: Outcome, offer: &mut Offer, out: &mut dyn EventSink) {
        let exchange = self.exchange.take().map(Exchange::into_login);
        for login in self.login.take().into_iter().chain(exchange) {
            login.report(field, outcome, out);
            offer.login(&login, out);
        }
    }
}
