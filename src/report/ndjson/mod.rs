//! One JSON object a line, for programs: schema 1 of the output contract.

mod shapes;

use std::io::{self, Write};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use shapes::{At, Bytes, Client, Evidence, FindingLine, Head, LinkLine, Offered, Server, SummaryLine, TlsLine};

use super::escape::JsonFormatter;
use super::{Sink, community_id, words};
use crate::ledger::{Link, TlsFact};
use crate::model::finding::Finding;
use crate::model::summary::Summary;
use crate::proto::tls::cipher_suite;
use crate::rules::{Catalogue, why};

/// Raised when a field is renamed, removed, or changes its meaning.
const SCHEMA: u32 = 1;

/// Writes everything it is told at once.
#[derive(Debug)]
pub struct Ndjson<W> {
    out: W,
    catalogue: Arc<Catalogue>,
    files: Vec<String>,
}

impl<W: Write + Send> Ndjson<W> {
    /// A sink that writes to `out`.
    pub const fn new(out: W, catalogue: Arc<Catalogue>) -> Self {
        Self { out, catalogue, files: Vec::new() }
    }
}

impl<W: Write + Send> Sink for Ndjson<W> {
    fn inputs(&mut self, names: &[String]) -> io::Result<()> {
        self.files = names.to_vec();
        Ok(())
    }

    fn rules(&mut self, catalogue: &Arc<Catalogue>) -> io::Result<()> {
        self.catalogue = Arc::clone(catalogue);
        Ok(())
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let rule = self.catalogue.rule(finding.rule);
        let note = words::note(finding, rule);
        let line = FindingLine {
            head: Head::new("finding", Some(finding.id.to_string())),
            rule: &rule.id,
            title: &rule.title,
            category: rule.category(),
            kind: &rule.kind,
            severity: finding.severity,
            confidence: finding.confidence.name(),
            protocol: finding.protocol,
            transport: finding.transport.name(),
            community_id: community_id::of(finding.transport, finding.client, finding.server),
            client: finding.client.into(),
            server: Server::new(finding.server, finding.server_name.as_deref()),
            direction: finding.direction.name(),
            field: &finding.field,
            username: finding.username.as_deref(),
            value: finding.value.as_ref().map(Into::into),
            outcome: finding.outcome.map(|outcome| outcome.name()),
            bulk: finding.bulk.as_deref().map(Into::into),
            tunnel: finding.tunnel.map(|tunnel| tunnel.to_string()),
            evidence: Evidence::new(&self.files, finding.span, note.as_deref()),
            count: finding.count,
            first_seen: At(finding.seen.first.at),
            last_seen: At(finding.seen.last.at),
            references: &rule.references,
            fix: &rule.fix,
            tags: if finding.is_test_value() { vec!["test-value"] } else { Vec::new() },
            why: why(finding, rule),
        };
        write_line(&mut self.out, &line)
    }

    fn tls(&mut self, fact: &TlsFact) -> io::Result<()> {
        let handshake = &fact.handshake;
        let server = fact.flow.server.to_string();
        let parts = [
            server.as_str(),
            fact.flow.transport.name(),
            handshake.sni.as_deref().unwrap_or_default(),
            handshake.version.unwrap_or_default(),
            handshake.cipher.as_deref().unwrap_or_default(),
            handshake.chain.first().map_or("", |leaf| leaf.sha256.as_str()),
        ];
        let line = TlsLine {
            head: Head::new("tls", Some(id("t_", &parts))),
            client: fact.flow.client.into(),
            server: Server::new(fact.flow.server, handshake.sni.as_deref()),
            transport: fact.flow.transport.name(),
            protocol: fact.protocol,
            version: handshake.version,
            cipher: handshake.cipher.as_deref(),
            group: handshake.group.as_deref(),
            sni: handshake.sni.as_deref(),
            alpn: handshake.alpn.as_deref(),
            offered: Offered {
                version: handshake.offered_version,
                ciphers: handshake.offered_ciphers.iter().map(|suite| cipher_suite(*suite).into_owned()).collect(),
            },
            ja3: handshake.ja3.as_deref(),
            ja3s: handshake.ja3s.as_deref(),
            ja4: handshake.ja4.as_deref(),
            resumed: handshake.resumed,
            client_certificate: handshake.client_certificate,
            chain: handshake.chain.iter().map(Into::into).collect(),
            evidence: Evidence::new(&self.files, fact.span, None),
            flows: fact.flows,
            first_seen: At(fact.seen.first.at),
            last_seen: At(fact.seen.last.at),
        };
        write_line(&mut self.out, &line)
    }

    fn link(&mut self, link: &Link) -> io::Result<()> {
        let parts = [&link.client.to_string(), &link.server.to_string(), link.transport.name()];
        let [to_server, to_client] = link.bytes;
        let line = LinkLine {
            head: Head::new("link", Some(id("l_", &parts))),
            client: Client { ip: link.client, port: None },
            server: Server::new(link.server, link.server_name.as_deref()),
            transport: link.transport.name(),
            protocol: link.protocol,
            encryption: link.encryption.name(),
            upgrade: link.upgrade.map(|upgrade| upgrade.name()),
            tls: link.tls.as_deref().map(Into::into),
            auth: link.auth.iter().map(Into::into).collect(),
            data: &link.data,
            verdict: link.verdict.name(),
            why: link.why,
            tunnels: link.tunnels.iter().map(ToString::to_string).collect(),
            flows: link.flows,
            bytes: Bytes { to_server, to_client },
            first_seen: At(link.seen.first.at),
            last_seen: At(link.seen.last.at),
            worst: link.worst,
            findings: link.findings,
        };
        write_line(&mut self.out, &line)
    }

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        write_line(&mut self.out, &SummaryLine::new("summary", summary))?;
        self.out.flush()
    }

    fn status(&mut self, summary: &Summary) -> io::Result<()> {
        write_line(&mut self.out, &SummaryLine::new("status", summary))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    line.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, JsonFormatter))?;
    out.write_all(b"\n")
}

/// An identifier made of what makes a thing distinct: the same in every run.
fn id(prefix: &str, parts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().iter().take(8).fold(prefix.to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests;
