//! What commands carry, and what their replies will be.

use crate::model::event::{FieldKind, Proof};
use crate::model::flow::Direction;
use crate::model::packet::Span;
use crate::model::secret::HeldSecret;
use crate::proto::login::HeldLogin;
use crate::proto::value::Named;

const COMMAND: &str = "redis.command";

/// How the values of a command are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Nothing but keys, options and numbers.
    Bare,
    /// Fields and values in turn, after the key.
    Hash,
    /// Keys and values in turn.
    Pairs,
    /// Values after the key, from this argument on.
    Values(usize),
    /// Arguments of a script or of a command nobody here knows: values without a name.
    Unknown,
    /// After the key, options, and an entry's number: fields and values in turn.
    Stream,
}

impl Layout {
    pub(super) fn of(name: &[u8]) -> Self {
        match name.to_ascii_uppercase().as_slice() {
            b"APPEND" | b"GETSET" | b"LPUSH" | b"LPUSHX" | b"PFADD" | b"PUBLISH" | b"RPUSH" | b"RPUSHX" | b"SADD"
            | b"SET" | b"SETNX" | b"SISMEMBER" | b"SPUBLISH" | b"SREM" | b"ZADD" | b"GEOADD" => Self::Values(2),
            b"JSON.SET" | b"LREM" | b"LSET" | b"PSETEX" | b"RESTORE" | b"SETEX" | b"SETRANGE" | b"ZINCRBY" => {
                Self::Values(3)
            }
            b"LINSERT" => Self::Values(4),
            b"HMSET" | b"HSET" | b"HSETNX" => Self::Hash,
            b"MSET" | b"MSETNX" => Self::Pairs,
            b"XADD" => Self::Stream,
            b"EVAL" | b"EVALSHA" | b"EVAL_RO" | b"FCALL" | b"FUNCTION" | b"ECHO" => Self::Unknown,
            _ => Self::Bare,
        }
    }
}

/// Follows the arguments of one command.
#[derive(Debug)]
pub(super) struct Arguments {
    layout: Layout,
    key: String,
    /// The field whose value comes next.
    field: Option<String>,
    /// The number of an `XADD` was passed.
    numbered: bool,
}

impl Arguments {
    pub(super) const fn new(layout: Layout) -> Self {
        Self { layout, key: String::new(), field: None, numbered: false }
    }

    /// Notes an argument (the command itself is 0). Says whether it is a value, which
    /// [`Self::naming`] then names.
    pub(super) fn is_value(&mut self, index: usize, argument: &[u8]) -> bool {
        let text = || String::from_utf8_lossy(argument.get(..256).unwrap_or(argument)).into_owned();
        match self.layout {
            _ if index == 0 => false,
            Layout::Bare => false,
            Layout::Unknown => true,
            Layout::Pairs if index % 2 == 1 => {
                self.key = text();
                false
            }
            Layout::Pairs => true,
            _ if index == 1 => {
                self.key = text();
                false
            }
            Layout::Values(first) => index >= first,
            Layout::Stream if !self.numbered => {
                let number = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'*');
                self.numbered = argument == b"*" || (argument.contains(&b'-') && argument.iter().all(number));
                false
            }
            Layout::Hash | Layout::Stream => {
                if self.value_is_next() {
                    true
                } else {
                    self.field = Some(text());
                    false
                }
            }
        }
    }

    /// Whether what comes next is a value, for one too long to be looked at first.
    pub(super) const fn value_is_next(&self) -> bool {
        match self.layout {
            Layout::Hash | Layout::Stream => self.field.is_some(),
            Layout::Bare => false,
            Layout::Pairs | Layout::Unknown | Layout::Values(_) => true,
        }
    }

    /// Whether values have names of their own.
    pub(super) fn has_fields(&self) -> bool {
        self.layout == Layout::Hash
    }

    /// What the value is called.
    pub(super) fn naming<'a>(&'a self, account: Option<&'a [u8]>) -> Named<'a> {
        let (kind, name, resource) = match (self.layout, &self.field) {
            (Layout::Hash | Layout::Stream, Some(field)) => (FieldKind::Attribute, field.as_str(), self.key.as_str()),
            (Layout::Unknown, _) => (FieldKind::Key, "", ""),
            _ => (FieldKind::Key, self.key.as_str(), ""),
        };
        Named { kind, place: COMMAND, name, resource, direction: Direction::ToServer, account }
    }

    /// The value was said.
    pub(super) fn said(&mut self) {
        self.field = None;
    }
}

/// What the reply to a command means.
#[derive(Debug)]
pub(super) enum Wanted {
    /// The verdict on a login.
    Login(HeldLogin, &'static str),
    /// The server's commands follow, for ever.
    Monitor,
    /// Nothing worth looking at: what the server says of itself.
    Nothing,
    /// Names (fields, parameters) and values in turn.
    Pairs { place: &'static str, resource: String },
    /// A value for each of these names.
    Names { kind: FieldKind, names: Vec<String>, resource: String },
    /// The value, or values, of one name.
    Value { kind: FieldKind, name: String, resource: String },
}

/// What the client's command asks for. `span` holds the whole command.
pub(super) fn wanted(arguments: &[&[u8]], span: Span) -> Option<Wanted> {
    let (name, rest) = arguments.split_first()?;
    let text = |n: usize| rest.get(n).map(|a| String::from_utf8_lossy(a).into_owned()).unwrap_or_default();
    let texts = |from: usize| (from..rest.len()).map(text).collect();
    let is = |n: usize, word: &str| rest.get(n).is_some_and(|a| a.eq_ignore_ascii_case(word.as_bytes()));
    let login = |user: Option<&[u8]>, password: &[u8]| Some(clear(user, password, span));
    Some(match name.to_ascii_uppercase().as_slice() {
        b"AUTH" => match rest {
            [password] => Wanted::Login(login(None, password)?, "redis.auth"),
            [user, password] => Wanted::Login(login(Some(user), password)?, "redis.auth"),
            _ => return None,
        },
        b"HELLO" => {
            let Some(at) = rest.iter().position(|a| a.eq_ignore_ascii_case(b"AUTH")) else {
                return Some(Wanted::Nothing);
            };
            Wanted::Login(login(Some(rest.get(at + 1)?), rest.get(at + 2)?)?, "redis.hello")
        }
        b"MIGRATE" => {
            let at = rest.iter().position(|a| a.eq_ignore_ascii_case(b"AUTH") || a.eq_ignore_ascii_case(b"AUTH2"))?;
            let login = match (is(at, "AUTH2"), rest.get(at + 1)?, rest.get(at + 2)) {
                (true, user, Some(password)) => login(Some(user), password)?,
                (_, password, _) => login(None, password)?,
            };
            Wanted::Login(login, "redis.migrate")
        }
        b"MONITOR" => Wanted::Monitor,
        b"COMMAND" => Wanted::Nothing,
        b"CONFIG" if is(0, "GET") => Wanted::Pairs { place: CONFIG, resource: String::new() },
        b"HGETALL" | b"HSCAN" | b"XRANGE" | b"XREVRANGE" | b"XREAD" | b"XREADGROUP" => {
            Wanted::Pairs { place: REPLY, resource: text(0) }
        }
        b"HGET" => Wanted::Value { kind: FieldKind::Attribute, name: text(1), resource: text(0) },
        b"HMGET" => Wanted::Names { kind: FieldKind::Attribute, names: texts(1), resource: text(0) },
        b"MGET" => Wanted::Names { kind: FieldKind::Key, names: texts(0), resource: String::new() },
        b"GET" | b"GETDEL" | b"GETEX" | b"GETRANGE" | b"GETSET" | b"HVALS" | b"JSON.GET" | b"LINDEX" | b"LPOP"
        | b"LRANGE" | b"RPOP" | b"SMEMBERS" | b"SPOP" | b"SRANDMEMBER" | b"SSCAN" | b"ZRANGE" | b"ZRANGEBYLEX"
        | b"ZRANGEBYSCORE" | b"ZREVRANGE" | b"ZSCAN" => {
            Wanted::Value { kind: FieldKind::Key, name: text(0), resource: String::new() }
        }
        _ => return None,
    })
}

pub(super) const CONFIG: &str = "redis.config";
pub(super) const REPLY: &str = "redis.reply";
const ACL: &str = "redis.acl";

fn clear(user: Option<&[u8]>, password: &[u8], span: Span) -> HeldLogin {
    let username = user.filter(|u| !u.is_empty()).map(<[u8]>::to_vec);
    HeldLogin { mechanism: "clear", proof: Proof::Password, username, secret: HeldSecret::new(password), span }
}

/// Whether the first argument of a command is a key that may say more than where its value is.
fn of_key(arguments: &[&[u8]]) -> bool {
    const COMMANDS: [&str; 14] = [
        "DEL", "EXISTS", "EXPIRE", "GET", "GETEX", "HGET", "HGETALL", "HMSET", "HSET", "PSETEX", "SET", "SETEX",
        "SETNX", "UNLINK",
    ];
    arguments.first().is_some_and(|name| COMMANDS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())))
}

/// The part of a key that may open a session, and what the part before calls it: `sess:4fJx…`,
/// `spring:session:sessions:7c9e6679-…`.
fn tail(key: &[u8]) -> Option<(usize, &str)> {
    let skip = memchr::memrchr(b':', key)? + 1;
    let name = std::str::from_utf8(key.get(..skip - 1)?).ok()?;
    (key.len() - skip >= TAIL).then_some((skip, name.rsplit(':').next().unwrap_or(name)))
}

/// Bytes that what opens a session has at least.
const TAIL: usize = 16;

/// Gives `say` the secrets that a command sets on the server: the index of the argument, how much of
/// its start is none of the value, and what it is called.
pub(super) fn settings<'a>(arguments: &[&'a [u8]], say: &mut dyn FnMut(usize, usize, Named<'a>)) {
    let is = |n: usize, word: &str| arguments.get(n).is_some_and(|a| a.eq_ignore_ascii_case(word.as_bytes()));
    let named = |place, name, account| Named {
        kind: FieldKind::Attribute,
        place,
        name,
        resource: "",
        direction: Direction::ToServer,
        account,
    };
    if is(0, "ACL") && is(1, "SETUSER") {
        for (index, rule) in arguments.iter().enumerate().skip(3) {
            let name = match rule.first() {
                Some(b'>') => "password",
                Some(b'#') => "password_hash",
                _ => continue,
            };
            say(index, 1, named(ACL, name, arguments.get(2).copied()));
        }
    }
    if let Some((skip, name)) = arguments.get(1).filter(|_| of_key(arguments)).and_then(|key| tail(key)) {
        let resource = "";
        say(
            1,
            skip,
            Named {
                kind: FieldKind::Key,
                place: COMMAND,
                name,
                resource,
                direction: Direction::ToServer,
                account: None,
            },
        );
    }
    let pairs = if is(0, "CONFIG") && is(1, "SET") {
        2
    } else if is(0, "SENTINEL") && is(1, "SET") {
        3
    } else {
        return;
    };
    for index in (pairs + 1..arguments.len()).step_by(2) {
        let name = arguments.get(index - 1).and_then(|n| std::str::from_utf8(n).ok()).unwrap_or_default();
        say(index, 0, named(CONFIG, name, None));
    }
}
