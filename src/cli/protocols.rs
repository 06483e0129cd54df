//! `plainsight protocols`.

use std::io;

use super::exit::Exit;
use super::screen::Screen;
use crate::proto::{Nature, PROTOCOLS};
use crate::report::layout::{BOLD, DIM, GOOD, NAME, POOR, Text, table};

pub(super) fn run(screen: &mut Screen) -> io::Result<Exit> {
    let mut protocols = PROTOCOLS.to_vec();
    protocols.sort_by_key(|protocol| (protocol.name, protocol.transport));
    let head = ["protocol", "over", "protects", "usual ports"].map(|title| Text::styled(BOLD, title));
    let rows = protocols.iter().map(|protocol| {
        let protects = match protocol.nature {
            Nature::Cleartext => Text::styled(POOR, "no"),
            Nature::Ssh => Text::styled(GOOD, "SSH"),
            Nature::Tls => Text::styled(GOOD, "TLS"),
            Nature::Unknown => Text::styled(DIM, "unknown"),
        };
        let ports: Vec<String> = protocol.ports.iter().map(ToString::to_string).collect();
        vec![
            Text::styled(NAME, protocol.name),
            Text::plain(protocol.transport.name()),
            protects,
            Text::styled(DIM, &ports.join(" ")),
        ]
    });
    let rows = std::iter::once(head.to_vec()).chain(rows).collect();
    let width = screen.width();
    screen.lines(table(rows, 0, width, &[3]))?;
    screen.line(&Text::new())?;
    screen.paragraph(
        "Protocols are recognised by what is said, on any port; the ports only break ties. \
         Text of no known protocol is searched for secrets and personal data too.",
        0,
    )?;
    Ok(Exit::Done)
}
