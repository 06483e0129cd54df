//! `plainsight limits`.

use std::io;

use super::exit::Exit;
use super::screen::Screen;
use crate::model::limits::{Cap, TABLE};
use crate::report::layout::{BOLD, DIM, NAME, Text, table};

pub(super) fn run(screen: &mut Screen) -> io::Result<Exit> {
    let head = ["limit", "default", "bounds, and what happens then"].map(|title| Text::styled(BOLD, title));
    let rows = TABLE.iter().map(|limit| {
        let then = Text::plain(limit.bounds).with(DIM, &format!(": {}", limit.then));
        vec![Text::styled(NAME, limit.name), Text::plain(&limit.default()), then]
    });
    let width = screen.width();
    screen.lines(table(std::iter::once(head.to_vec()).chain(rows).collect(), 0, width, &[2]))?;
    screen.line(&Text::new())?;
    screen
        .paragraph("Set one with --limit NAME=VALUE: sizes with k, M or G, times with s, m, h or d behind them.", 0)?;
    screen.line(&Text::new())?;
    let head = ["at most", "else the summary counts"].map(|title| Text::styled(BOLD, title));
    let rows = Cap::ALL.map(|cap| vec![Text::plain(&cap.most().to_string()), Text::styled(DIM, cap.counted())]);
    screen.lines(table(std::iter::once(head.to_vec()).chain(rows).collect(), 0, width, &[1]))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_says_what_the_program_does() {
        let document = include_str!("../../docs/LIMITS.md");
        let said = |begin: &str| {
            let (_, table) = document.split_once(begin).expect("the table is there");
            table.lines().skip(1).take_while(|line| line.starts_with('|')).collect::<Vec<_>>()
        };
        let settable = TABLE.iter().map(|limit| {
            let counted = limit.counted.map_or("", |counted| counted);
            format!("| `{}` | {} | {} | {} | {counted} |", limit.name, limit.default(), limit.bounds, limit.then)
        });
        assert_eq!(said("|---|---|---|---|---|"), settable.collect::<Vec<_>>());
        let fixed = Cap::ALL.map(|cap| format!("| {} | {} |", cap.most(), cap.counted()));
        assert_eq!(said("\n|---|---|\n").len(), fixed.len() - 1);
        fixed.iter().for_each(|row| assert!(document.contains(row), "{row}"));
    }
}
