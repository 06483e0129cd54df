//! The table of links, worst first. Clients of one server that fare alike share a row.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Level, View};
use crate::ledger::{Link, Verdict};
use crate::model::finding::Severity;
use crate::model::flow::{Endpoint, Transport, Tunnel};
use crate::model::link::{Encryption, Upgrade};
use crate::report::layout::{self, BAD, BOLD, DIM, NAME, PLAIN, Text, table, wrap};
use crate::report::words;

/// Rows before the table ends with a count of the rest.
const ROWS: usize = 25;

/// Rows of links that are as they should be: enough to see what the program understood.
const GOOD_ROWS: usize = 5;

/// Where what was seen begins, under its row: right of the verdicts.
const UNDER: usize = 12;

/// Tunnels that are named in one row.
const TUNNELS: usize = 3;

/// Columns between the things seen.
const GAP: usize = 2;

/// Collects links into rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: BTreeMap<Key, Row>,
    verdicts: BTreeMap<Verdict, u64>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    verdict: Verdict,
    protocol: &'static str,
    server: Endpoint,
    transport: Transport,
    encryption: Encryption,
    upgrade: Option<Upgrade>,
    version: Option<&'static str>,
}

#[derive(Debug)]
struct Row {
    client: IpAddr,
    clients: u64,
    name: Option<String>,
    auth: BTreeSet<&'static str>,
    data: BTreeMap<String, u64>,
    tunnels: BTreeSet<Tunnel>,
    why: Option<&'static str>,
    findings: u64,
    worst: Option<Severity>,
}

impl Rows {
    pub(super) fn add(&mut self, link: &Link) {
        *self.verdicts.entry(link.verdict).or_default() += 1;
        let key = Key {
            verdict: link.verdict,
            protocol: link.protocol,
            server: link.server,
            transport: link.transport,
            encryption: link.encryption,
            upgrade: link.upgrade,
            version: link.tls.as_ref().and_then(|tls| tls.version),
        };
        let row = self.rows.entry(key).or_insert_with(|| Row {
            client: link.client,
            clients: 0,
            name: link.server_name.as_deref().map(str::to_owned),
            auth: BTreeSet::new(),
            data: BTreeMap::new(),
            tunnels: BTreeSet::new(),
            why: link.why,
            findings: 0,
            worst: None,
        });
        row.clients += 1;
        row.tunnels.extend(&link.tunnels);
        row.findings += link.findings;
        row.worst = row.worst.max(link.worst);
        row.auth.extend(link.auth.iter().map(|mechanism| mechanism.name));
        for (kind, count) in link.data.iter() {
            *row.data.entry(kind.to_string()).or_default() += count;
        }
    }

    /// How many there are, by verdict.
    pub(super) fn title(&self) -> String {
        format!("LINKS: {}", by_verdict(&self.verdicts))
    }

    /// The table.
    pub(super) fn table(&self, view: View) -> Vec<Text> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let mut rows: Vec<(&Key, &Row)> = self.rows.iter().collect();
        rows.sort_by_key(|(key, row)| (key.verdict, Reverse((row.worst, row.findings))));
        let (most, most_good) = (view.at_most(ROWS), view.at_most(GOOD_ROWS));
        let mut good = 0;
        let mut kept: Vec<(&Key, &Row)> = Vec::new();
        let mut left_out: BTreeMap<Verdict, u64> = BTreeMap::new();
        for (key, row) in rows {
            good += usize::from(key.verdict == Verdict::Secure);
            if kept.len() >= most || good > most_good {
                *left_out.entry(key.verdict).or_default() += row.clients;
            } else {
                kept.push((key, row));
            }
        }
        let mut lines = aligned(&kept, view.width);
        if !left_out.is_empty() {
            let hint = if view.level == Level::Verbose { "ndjson has all" } else { "-v shows more, ndjson has all" };
            lines.push(Text::styled(DIM, &format!(" … and {} ({hint})", by_verdict(&left_out))));
        }
        lines
    }
}

fn by_verdict(links: &BTreeMap<Verdict, u64>) -> String {
    let said: Vec<String> =
        links.iter().map(|(verdict, n)| format!("{} {}", words::count(*n), verdict.name())).collect();
    said.join(", ")
}

/// The rows in columns. Where the screen is too narrow for the last column, what it holds stands
/// under its row.
fn aligned(rows: &[(&Key, &Row)], width: usize) -> Vec<Text> {
    let head = ["", "protocol", "client → server", "protection"].map(|title| Text::styled(DIM, title));
    let cells: Vec<Vec<Text>> =
        std::iter::once(head.to_vec()).chain(rows.iter().map(|(key, row)| row.cells(key))).collect();
    let seen: Vec<Vec<Text>> = rows.iter().map(|(_, row)| row.seen()).collect();
    let beside = |seen: &Vec<Text>| wrap(seen.clone(), GAP, 0, usize::MAX).pop().unwrap_or_default();
    let title = std::iter::once(Text::styled(DIM, "seen"));
    let whole = cells.clone().into_iter().zip(title.chain(seen.iter().map(beside)));
    let lines = table(whole.map(|(cells, seen)| [cells, vec![seen]].concat()).collect(), 1, usize::MAX, &[]);
    if lines.iter().all(|line| line.width() <= width) {
        return lines;
    }
    let lines = table(cells, 1, width, &[2, 3]).into_iter();
    let under = std::iter::once(Vec::new()).chain(seen.into_iter().map(|seen| wrap(seen, GAP, UNDER, width)));
    lines.zip(under).flat_map(|(line, under)| std::iter::once(line).chain(under)).collect()
}

impl Row {
    fn cells(&self, key: &Key) -> Vec<Text> {
        let others = match self.clients {
            1 => String::new(),
            clients => format!(" +{}", words::count(clients - 1)),
        };
        let name = self.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        let ends = Text::plain(&self.client.to_string())
            .with(DIM, &format!("{others} → "))
            .with(PLAIN, &key.server.to_string())
            .with(DIM, &name);
        let protocol = match key.transport {
            Transport::Tcp => Text::styled(NAME, key.protocol),
            other => Text::styled(NAME, key.protocol).with(DIM, &format!("/{}", other.name())),
        };
        vec![
            Text::styled(layout::verdict(key.verdict), &key.verdict.name().to_uppercase()),
            protocol,
            ends,
            protection(key),
        ]
    }

    /// What was seen on it: kinds of data, mechanisms, or why nothing was; and the tunnels it was seen in.
    fn seen(&self) -> Vec<Text> {
        let tunnels: Vec<String> = self.tunnels.iter().map(|tunnel| format!("in {tunnel}")).collect();
        let tunnels = tunnels.iter().take(TUNNELS).map(|tunnel| Text::styled(DIM, tunnel));
        if let Some(why) = self.why {
            return std::iter::once(Text::styled(DIM, why)).chain(tunnels).collect();
        }
        let logins: Vec<&str> = self.auth.iter().copied().collect();
        let logins = (!logins.is_empty()).then(|| Text::plain(&format!("login by {}", logins.join("/"))));
        let data = self.data.iter().map(|(kind, count)| match count {
            1 => Text::plain(kind),
            _ => Text::plain(kind).with(DIM, &format!(" ×{}", words::count(*count))),
        });
        logins.into_iter().chain(data).chain(tunnels).collect()
    }
}

fn protection(key: &Key) -> Text {
    let tls = key.version.unwrap_or("TLS");
    let basis = match key.encryption {
        Encryption::None => Text::styled(BAD, "none"),
        Encryption::Opaque => Text::styled(DIM, "opaque"),
        Encryption::Own => Text::plain("its own").with(DIM, " (upgraded)"),
        Encryption::Ssh => Text::plain("SSH"),
        Encryption::Tls => Text::plain(tls),
        Encryption::Unknown => Text::styled(DIM, "unknown"),
        Encryption::Upgraded => Text::plain(tls).with(DIM, " (upgraded)"),
    };
    match key.upgrade {
        Some(Upgrade::DoneLate) => basis.with(BOLD, ", too late"),
        Some(Upgrade::OfferedUnused) => basis.with(DIM, ", TLS offered"),
        Some(Upgrade::Refused) => basis.with(DIM, ", TLS refused"),
        Some(Upgrade::Done | Upgrade::NotOffered) | None => basis,
    }
}
