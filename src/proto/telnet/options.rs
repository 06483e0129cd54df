//! Commands and options inside the stream (RFC 854, RFC 855), taken out of it.

/// Interpret as command.
pub(super) const IAC: u8 = 0xff;
const SE: u8 = 0xf0;
const ERASE_CHARACTER: u8 = 0xf7;
const ERASE_LINE: u8 = 0xf8;
const SB: u8 = 0xfa;
pub(super) const WILL: u8 = 0xfb;
const DONT: u8 = 0xfe;
/// Longest subnegotiation that is kept: an NTLM message in RFC 2941's option.
const SUB_BYTES: usize = 8 << 10;

/// What one byte of the stream came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Part of a command that goes on.
    Nothing,
    /// A character.
    Data(u8),
    /// The line is taken back.
    EraseLine,
    /// WILL, WONT, DO or DONT, and the option.
    Negotiation(u8, u8),
    /// A subnegotiation: option and parameters.
    Sub(Vec<u8>),
}

/// Takes commands out of one direction, byte by byte.
#[derive(Debug, Default)]
pub(super) enum Decoder {
    #[default]
    Data,
    Command,
    Option(u8),
    Sub(Vec<u8>),
    SubCommand(Vec<u8>),
}

impl Decoder {
    pub(super) fn take(&mut self, byte: u8) -> Item {
        let (next, item) = match (std::mem::take(self), byte) {
            (Self::Data, IAC) => (Self::Command, Item::Nothing),
            (Self::Data, byte) => (Self::Data, Item::Data(byte)),
            (Self::Command, IAC) => (Self::Data, Item::Data(IAC)),
            (Self::Command, SB) => (Self::Sub(Vec::new()), Item::Nothing),
            (Self::Command, WILL..=DONT) => (Self::Option(byte), Item::Nothing),
            (Self::Command, ERASE_CHARACTER) => (Self::Data, Item::Data(0x7f)),
            (Self::Command, ERASE_LINE) => (Self::Data, Item::EraseLine),
            (Self::Command, _) => (Self::Data, Item::Nothing),
            (Self::Option(verb), option) => (Self::Data, Item::Negotiation(verb, option)),
            (Self::Sub(parameters), IAC) => (Self::SubCommand(parameters), Item::Nothing),
            (Self::Sub(mut parameters), byte) => {
                if parameters.len() < SUB_BYTES {
                    parameters.push(byte);
                }
                (Self::Sub(parameters), Item::Nothing)
            }
            (Self::SubCommand(mut parameters), IAC) => {
                parameters.push(IAC);
                (Self::Sub(parameters), Item::Nothing)
            }
            (Self::SubCommand(parameters), SE) => (Self::Data, Item::Sub(parameters)),
            // The end was lost.
            (Self::SubCommand(_), _) => (Self::Data, Item::Nothing),
        };
        *self = next;
        item
    }

    /// Whether the next byte is not inside of a command.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Data)
    }
}

/// Whether an option is one that is assigned (IANA's registry of Telnet options).
pub(super) const fn is_assigned(option: u8) -> bool {
    matches!(option, 0..=49 | 85..=93 | 138..=140 | 200 | 201 | 255)
}

/// The user of NEW-ENVIRON (RFC 1572): `IS` or `INFO`, then variables.
pub(super) fn environment_user(parameters: &[u8]) -> Option<Vec<u8>> {
    let [0 | 2, variables @ ..] = parameters else { return None };
    let at = memchr::memmem::find(variables, b"\x00USER\x01")?;
    let value = variables.get(at + b"\x00USER\x01".len()..)?;
    let end = value.iter().position(|b| *b < 4).unwrap_or(value.len());
    value.get(..end).filter(|v| !v.is_empty()).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_out_of_the_data() {
        let mut decoder = Decoder::default();
        let stream = b"a\xff\xfb\x01\xff\xff\xff\xfa\x18\x00x\xff\xf0b\xff\xf7";
        let items: Vec<_> = stream.iter().map(|b| decoder.take(*b)).filter(|i| *i != Item::Nothing).collect();
        let expected = [
            Item::Data(b'a'),
            Item::Negotiation(0xfb, 1),
            Item::Data(0xff),
            Item::Sub(b"\x18\x00x".to_vec()),
            Item::Data(b'b'),
            Item::Data(0x7f),
        ];
        assert_eq!(items, expected);
    }

    #[test]
    fn the_user_of_the_environment_is_found() {
        assert_eq!(environment_user(b"\x00\x00USER\x01tina\x00LANG\x01C"), Some(b"tina".to_vec()));
        assert_eq!(environment_user(b"\x01\x00USER"), None);
    }
}
