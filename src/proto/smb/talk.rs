//! What both versions of SMB remember of a connection.

use std::collections::VecDeque;

use super::files::{Files, Handle};
use super::login::{Logins, Pending};
use crate::content::utf16::{self, Order};
use crate::model::event::{Event, EventSink, LinkFact, Outcome};
use crate::model::limits::{self, Cap};
use crate::model::link::Upgrade;
use crate::proto::upgrade::Own;

/// Trees (connected shares) of one connection that are remembered.
const TREES: usize = 64;

/// Longest name of a file or a share that is kept, in bytes.
const NAME: usize = 1024;

/// What a request was, for when it is answered.
#[derive(Debug)]
pub(super) enum Request {
    Close(Handle),
    Create(Handle),
    Login(Pending),
    Read(Handle, u64),
    Tree(Tree, Option<Pending>),
}

/// A share that the client has connected to.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) name: String,
    /// It has no files but ways to services.
    pub(super) pipe: bool,
}

/// One connection.
#[derive(Default)]
pub(super) struct Talk {
    pub(super) files: Files,
    pub(super) logins: Logins,
    /// Requests that wait for their answers, by the number of their message, oldest first.
    requests: VecDeque<(u64, Request)>,
    trees: VecDeque<(u32, Tree)>,
    /// Passwords are sent as they are: the server has not asked for anything else. Of SMB 1.
    pub(super) plain: Option<bool>,
    protection: Own,
}

impl Talk {
    /// A request of which the answer is waited for.
    pub(super) fn asked(&mut self, message: u64, request: Request, out: &mut dyn EventSink) {
        if self.requests.len() >= limits::OUTSTANDING {
            self.requests.pop_front();
            out.beyond(Cap::Outstanding);
        }
        self.requests.push_back((message, request));
    }

    /// The request that is answered.
    pub(super) fn answered(&mut self, message: u64) -> Option<Request> {
        let place = self.requests.iter().position(|(number, _)| *number == message)?;
        self.requests.remove(place).map(|(_, request)| request)
    }

    /// A share by its path: `\\server\share`.
    pub(super) fn share(path: &str, out: &mut dyn EventSink) -> Tree {
        let mut parts = path.trim_start_matches('\\').splitn(2, '\\');
        let (server, share) = (parts.next().unwrap_or_default(), parts.next());
        if share.is_some() && server.parse::<std::net::IpAddr>().is_err() {
            out.event(Event::Link(LinkFact::ServerName(server)));
        }
        let name = share.unwrap_or(server).to_owned();
        Tree { pipe: name.eq_ignore_ascii_case("IPC$"), name }
    }

    /// The server has connected a share.
    pub(super) fn connected(&mut self, tree: u32, share: Tree, out: &mut dyn EventSink) {
        self.logins.connected(out);
        self.trees.retain(|(number, _)| *number != tree);
        if self.trees.len() >= TREES {
            self.trees.pop_front();
        }
        self.trees.push_back((tree, share));
    }

    /// A client asks for a file of a share.
    pub(super) fn ask(&mut self, tree: u32, path: &str, out: &mut dyn EventSink) -> Handle {
        let share = self.trees.iter().find(|(number, _)| *number == tree).map(|(_, share)| share);
        let path = path.trim_start_matches('\\');
        let (name, pipe) = match share {
            Some(share) if !path.is_empty() => (format!("{}\\{path}", share.name), share.pipe),
            Some(share) => (share.name.clone(), share.pipe),
            None => (path.to_owned(), false),
        };
        self.files.ask(name, pipe, out)
    }

    /// A message was encrypted.
    pub(super) fn sealed(&mut self, out: &mut dyn EventSink) {
        if self.protection.sealed(out) {
            out.event(Event::Link(LinkFact::Upgrade(Upgrade::Done)));
        }
    }

    /// Content of a file was not encrypted: a connection may have shares of both kinds.
    pub(super) fn clear(&mut self, out: &mut dyn EventSink) {
        self.protection.clear(out);
    }

    /// The connection is over.
    pub(super) fn end(&mut self, out: &mut dyn EventSink) {
        for (_, request) in self.requests.drain(..) {
            if let Request::Login(login) | Request::Tree(_, Some(login)) = request {
                login.report(Outcome::Unknown, out);
            }
        }
        self.files.end(out);
    }
}

/// A name in UTF-16.
pub(super) fn wide(bytes: &[u8]) -> String {
    let mut name = String::new();
    utf16::decode(bytes.get(..NAME).unwrap_or(bytes), Order::Little, &mut name);
    name
}
