//! Capture filters in libpcap's language, on packets from any source.

use super::Note;
use crate::model::packet::{LinkType, Packet};

/// A filter expression cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// libpcap does not understand it; the message is libpcap's.
    #[error("filter `{expression}`: {message}")]
    Expression {
        /// As given.
        expression: String,
        /// What libpcap says about it.
        message: String,
    },
    /// The program was built without libpcap.
    #[error("filters need libpcap, and this build is without it (build with the feature `live`)")]
    Unavailable,
}

/// A filter expression, compiled for each link type it meets.
///
/// A filter sees the captured bytes alone: what a snap length cut off cannot match.
pub struct Filter {
    expression: String,
    programs: Vec<(LinkType, Option<program::Program>)>,
    notes: Vec<Note>,
}

impl Filter {
    /// Compiles an expression for a first link type, so that a mistake in it is known before a
    /// packet is read. Other link types are compiled when a packet of theirs is met.
    pub fn compile(expression: &str, link: LinkType) -> Result<Self, FilterError> {
        let program = program::Program::new(expression, link)?;
        Ok(Self { expression: expression.to_owned(), programs: vec![(link, Some(program))], notes: Vec::new() })
    }

    /// Whether a packet is wanted. Packets of a link type for which the expression makes no sense
    /// (`ether host` where there is no Ethernet) are not; see [`Filter::notes`].
    pub fn matches(&mut self, packet: &Packet<'_>) -> bool {
        if let Some((_, program)) = self.programs.iter().find(|(link, _)| *link == packet.link) {
            return program.as_ref().is_some_and(|program| program.matches(packet.bytes));
        }
        let program = match program::Program::new(&self.expression, packet.link) {
            Ok(program) => Some(program),
            Err(error) => {
                let message = format!("no packet of link type {} can match: {error}", packet.link.0);
                self.notes.push(Note { message, count: 1 });
                None
            }
        };
        let matches = program.as_ref().is_some_and(|program| program.matches(packet.bytes));
        self.programs.push((packet.link, program));
        matches
    }

    /// Link types for which the expression could not be compiled.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

#[cfg(feature = "live")]
mod program {
    use ::pcap::{BpfProgram, Capture, Error, Linktype};

    use super::FilterError;
    use crate::model::packet::LinkType;

    /// `LINKTYPE_RAW` is written to files, `DLT_RAW` is what libpcap compiles for.
    const LINKTYPE_RAW: LinkType = LinkType(101);
    const DLT_RAW: Linktype = Linktype(12);

    pub(super) struct Program(BpfProgram);

    impl Program {
        pub(super) fn new(expression: &str, link: LinkType) -> Result<Self, FilterError> {
            let dlt = if link == LINKTYPE_RAW { DLT_RAW } else { Linktype(i32::from(link.0)) };
            let program = Capture::dead(dlt).and_then(|capture| capture.compile(expression, true));
            program.map(Self).map_err(|error| FilterError::Expression {
                expression: expression.to_owned(),
                message: match error {
                    Error::PcapError(message) => message,
                    other => other.to_string(),
                },
            })
        }

        pub(super) fn matches(&self, bytes: &[u8]) -> bool {
            self.0.filter(bytes)
        }
    }
}

#[cfg(not(feature = "live"))]
mod program {
    use super::FilterError;
    use crate::model::packet::LinkType;

    /// Cannot be made.
    pub(super) enum Program {}

    impl Program {
        pub(super) fn new(_: &str, _: LinkType) -> Result<Self, FilterError> {
            Err(FilterError::Unavailable)
        }

        pub(super) fn matches(&self, _: &[u8]) -> bool {
            match *self {}
        }
    }
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::*;
    use crate::model::packet::Mark;

    const ETHERNET: LinkType = LinkType(1);

    #[test]
    fn a_mistake_is_told_in_the_words_of_libpcap() {
        let Err(error) = Filter::compile("tcp prot 80", ETHERNET) else { panic!("it compiled") };
        assert!(error.to_string().contains("syntax error"), "{error}");
    }

    #[test]
    fn each_link_type_gets_its_own_program() {
        let builder = etherparse::PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(4000, 80, 0, 0);
        let mut raw = Vec::new();
        builder.write(&mut raw, b"x").unwrap();
        let framed = [&[0; 12][..], &[8, 0], &raw].concat();
        let mut filter = Filter::compile("tcp port 80", ETHERNET).unwrap();
        let packet = |link, bytes| Packet { mark: Mark::default(), tap: 0, link: LinkType(link), bytes, wire_len: 0 };
        assert!(filter.matches(&packet(1, &framed)));
        assert!(filter.matches(&packet(101, &raw)));
        assert!(!filter.matches(&packet(1, &raw)));
        assert!(!filter.matches(&packet(12345, &raw)));
        assert_eq!(filter.notes().len(), 1);
    }
}
