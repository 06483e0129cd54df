//! The lines, field by field. The order of the fields is the order in the file; absent is what is not known.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::ledger::Mechanism;
use crate::model::event::Grade;
use crate::model::finding::{Bulk, Severity, Value};
use crate::model::flow::Endpoint;
use crate::model::packet::Span;
use crate::model::small::SmallMap;
use crate::model::summary::{CaptureFile, FindingTally, Summary};
use crate::model::tally::{StreamTally, Volume};
use crate::model::time::Timestamp;
use crate::model::tls::{Certificate, Handshake};

/// What every line begins with.
#[derive(Serialize)]
pub(super) struct Head {
    r#type: &'static str,
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Head {
    pub(super) const fn new(r#type: &'static str, id: Option<String>) -> Self {
        Self { r#type, schema: super::SCHEMA, id }
    }
}

#[derive(Serialize)]
pub(super) struct FindingLine<'a> {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) rule: &'a str,
    pub(super) title: &'a str,
    pub(super) category: &'a str,
    pub(super) kind: &'a str,
    pub(super) severity: Severity,
    pub(super) confidence: &'static str,
    pub(super) protocol: &'static str,
    pub(super) transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) community_id: Option<String>,
    pub(super) client: Client,
    pub(super) server: Server<'a>,
    pub(super) direction: &'static str,
    pub(super) field: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bulk: Option<Many<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tunnel: Option<String>,
    pub(super) evidence: Evidence<'a>,
    pub(super) count: u64,
    pub(super) first_seen: At,
    pub(super) last_seen: At,
    pub(super) references: &'a [String],
    pub(super) fix: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) why: Vec<String>,
}

/// How many values of a kind stand in one column of one answer.
#[derive(Serialize)]
pub(super) struct Many<'a> {
    values: u64,
    rows: u64,
    column: &'a str,
    /// There were more different values than `values`.
    more: bool,
}

impl<'a> From<&'a Bulk> for Many<'a> {
    fn from(bulk: &'a Bulk) -> Self {
        Self { values: bulk.values, rows: bulk.rows, column: &bulk.column, more: bulk.more }
    }
}

#[derive(Serialize)]
pub(super) struct LinkLine<'a> {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) client: Client,
    pub(super) server: Server<'a>,
    pub(super) transport: &'static str,
    pub(super) protocol: &'static str,
    pub(super) encryption: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upgrade: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls: Option<LinkParameters<'a>>,
    pub(super) auth: Vec<Auth>,
    pub(super) data: &'a SmallMap<Box<str>, u64>,
    pub(super) verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tunnels: Vec<String>,
    pub(super) flows: u64,
    pub(super) bytes: Bytes,
    pub(super) first_seen: At,
    pub(super) last_seen: At,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) worst: Option<Severity>,
    pub(super) findings: u64,
}

#[derive(Serialize)]
pub(super) struct TlsLine<'a> {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) client: Client,
    pub(super) server: Server<'a>,
    pub(super) transport: &'static str,
    pub(super) protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cipher: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sni: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alpn: Option<&'a str>,
    pub(super) offered: Offered,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ja3: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ja3s: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ja4: Option<&'a str>,
    pub(super) resumed: bool,
    pub(super) client_certificate: bool,
    pub(super) chain: Vec<ChainLink<'a>>,
    pub(super) evidence: Evidence<'a>,
    pub(super) flows: u64,
    pub(super) first_seen: At,
    pub(super) last_seen: At,
}

#[derive(Serialize)]
pub(super) struct SummaryLine<'a> {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) version: &'static str,
    pub(super) capture: CaptureCounts<'a>,
    pub(super) streams: Streams,
    pub(super) skipped: BTreeMap<&'static str, Skipped>,
    pub(super) findings: Findings<'a>,
    pub(super) links: &'a BTreeMap<&'static str, u64>,
    pub(super) notes: Vec<NoteCount<'a>>,
    pub(super) limits: BTreeMap<&'static str, u64>,
    pub(super) interrupted: bool,
    pub(super) elapsed_seconds: f64,
    pub(super) bytes_per_second: u64,
}

/// RFC 3339.
pub(super) struct At(pub(super) Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
pub(super) struct Client {
    pub(super) ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
}

impl From<Endpoint> for Client {
    fn from(at: Endpoint) -> Self {
        Self { ip: at.ip, port: Some(at.port) }
    }
}

#[derive(Serialize)]
pub(super) struct Server<'a> {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
}

impl<'a> Server<'a> {
    pub(super) const fn new(at: Endpoint, name: Option<&'a str>) -> Self {
        Self { ip: at.ip, port: at.port, name }
    }
}

#[derive(Serialize)]
pub(super) struct Shown<'a> {
    pub(super) masked: &'a str,
    pub(super) fingerprint: &'a str,
    pub(super) length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clear: Option<&'a str>,
}

impl<'a> From<&'a Value> for Shown<'a> {
    fn from(value: &'a Value) -> Self {
        Self {
            masked: &value.masked,
            fingerprint: &value.fingerprint,
            length: value.length,
            clear: value.clear.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Evidence<'a> {
    pub(super) file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_file: Option<&'a str>,
    pub(super) frames: [u64; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// `files`: the names of the inputs. Evidence that goes on in another input names that one too.
    pub(super) fn new(files: &'a [String], span: Span, note: Option<&'a str>) -> Self {
        let name = |file: u32| files.get(file as usize).map_or("", String::as_str);
        let (first, last) = (span.first.frame, span.last.frame);
        Self {
            file: name(first.file),
            last_file: (first.file != last.file).then(|| name(last.file)),
            frames: [first.number, last.number],
            note,
        }
    }
}

#[derive(Serialize)]
pub(super) struct LinkParameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cipher: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sni: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alpn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ja3: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ja3s: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ja4: Option<&'a str>,
}

impl<'a> From<&'a Handshake> for LinkParameters<'a> {
    fn from(tls: &'a Handshake) -> Self {
        Self {
            version: tls.version,
            cipher: tls.cipher.as_deref(),
            group: tls.group.as_deref(),
            sni: tls.sni.as_deref(),
            alpn: tls.alpn.as_deref(),
            ja3: tls.ja3.as_deref(),
            ja3s: tls.ja3s.as_deref(),
            ja4: tls.ja4.as_deref(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Auth {
    pub(super) mechanism: &'static str,
    pub(super) grade: &'static str,
}

impl From<&Mechanism> for Auth {
    fn from(mechanism: &Mechanism) -> Self {
        let grade = match mechanism.grade {
            Grade::Broken => "broken",
            Grade::Dated => "dated",
            Grade::Weak => "weak",
        };
        Self { mechanism: mechanism.name, grade }
    }
}

#[derive(Serialize)]
pub(super) struct Bytes {
    pub(super) to_server: u64,
    pub(super) to_client: u64,
}

#[derive(Serialize)]
pub(super) struct Offered {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'static str>,
    pub(super) ciphers: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ChainLink<'a> {
    pub(super) subject: &'a str,
    pub(super) issuer: &'a str,
    pub(super) names: &'a [String],
    pub(super) serial: &'a str,
    pub(super) not_before: At,
    pub(super) not_after: At,
    pub(super) key: &'a str,
    pub(super) key_bits: u32,
    pub(super) signature: &'a str,
    pub(super) sha256: &'a str,
    pub(super) self_signed: bool,
}

impl<'a> From<&'a Certificate> for ChainLink<'a> {
    fn from(certificate: &'a Certificate) -> Self {
        Self {
            subject: &certificate.subject,
            issuer: &certificate.issuer,
            names: &certificate.names,
            serial: &certificate.serial,
            not_before: At(certificate.not_before),
            not_after: At(certificate.not_after),
            key: &certificate.key,
            key_bits: certificate.key_bits,
            signature: &certificate.signature,
            sha256: &certificate.sha256,
            self_signed: certificate.self_signed,
        }
    }
}

#[derive(Serialize)]
pub(super) struct CaptureCounts<'a> {
    pub(super) files: Vec<FileCounts<'a>>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_seen: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_seen: Option<At>,
    pub(super) dropped_by_kernel: u64,
    pub(super) dropped_by_interface: u64,
    pub(super) truncated: u64,
    pub(super) duplicates: u64,
}

#[derive(Serialize)]
pub(super) struct FileCounts<'a> {
    pub(super) name: &'a str,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_seen: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_seen: Option<At>,
}

#[derive(Serialize)]
pub(super) struct Streams {
    pub(super) tcp: u64,
    pub(super) udp: u64,
    pub(super) sctp: u64,
    pub(super) ppp: u64,
    pub(super) midstream: u64,
    pub(super) one_way: u64,
    pub(super) gaps: u64,
    pub(super) gap_bytes: u64,
    pub(super) retransmitted_bytes: u64,
    pub(super) conflicting_bytes: u64,
    pub(super) corrupt: u64,
    pub(super) tiny_fragments: u64,
    pub(super) half_open: u64,
    pub(super) refused: u64,
    pub(super) evicted: u64,
    pub(super) evicted_unanswered: u64,
    pub(super) evicted_crowding: u64,
    pub(super) evicted_half_open: u64,
    pub(super) capped: u64,
}

impl From<StreamTally> for Streams {
    fn from(tally: StreamTally) -> Self {
        Self {
            tcp: tally.tcp,
            udp: tally.udp,
            sctp: tally.sctp,
            ppp: tally.ppp,
            midstream: tally.midstream,
            one_way: tally.one_way,
            gaps: tally.gaps,
            gap_bytes: tally.gap_bytes,
            retransmitted_bytes: tally.retransmitted_bytes,
            conflicting_bytes: tally.conflicting_bytes,
            corrupt: tally.corrupt,
            tiny_fragments: tally.tiny_fragments,
            half_open: tally.half_open,
            refused: tally.refused,
            evicted: tally.evicted,
            evicted_unanswered: tally.evicted_unanswered,
            evicted_crowding: tally.evicted_crowding,
            evicted_half_open: tally.evicted_half_open,
            capped: tally.capped,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Skipped {
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

#[derive(Serialize)]
pub(super) struct Findings<'a> {
    pub(super) total: u64,
    pub(super) severity: BTreeMap<&'static str, u64>,
    pub(super) category: &'a BTreeMap<String, u64>,
    pub(super) not_kept: u64,
}

#[derive(Serialize)]
pub(super) struct NoteCount<'a> {
    pub(super) file: &'a str,
    pub(super) message: &'a str,
    pub(super) count: u64,
}

impl<'a> SummaryLine<'a> {
    /// `kind`: `summary` for the last word, `status` for how things stand.
    pub(super) fn new(kind: &'static str, summary: &'a Summary) -> Self {
        let Summary { capture, streams, skipped, findings, links, notes, limits, elapsed, interrupted } = summary;
        let span = capture.span();
        Self {
            head: Head::new(kind, None),
            version: env!("CARGO_PKG_VERSION"),
            capture: CaptureCounts {
                files: capture.files.iter().map(FileCounts::from).collect(),
                packets: capture.packets(),
                bytes: capture.bytes(),
                first_seen: span.map(|span| At(span.0)),
                last_seen: span.map(|span| At(span.1)),
                dropped_by_kernel: capture.dropped_by_kernel,
                dropped_by_interface: capture.dropped_by_interface,
                truncated: capture.truncated,
                duplicates: capture.duplicates,
            },
            streams: (*streams).into(),
            skipped: skipped.iter().map(|(reason, volume)| (reason, volume.into())).collect(),
            findings: findings.into(),
            links,
            notes: notes
                .iter()
                .map(|note| NoteCount { file: &note.file, message: &note.message, count: note.count })
                .collect(),
            limits: limits.iter().collect(),
            interrupted: *interrupted,
            elapsed_seconds: elapsed.as_secs_f64(),
            bytes_per_second: summary.bytes_per_second(),
        }
    }
}

impl<'a> From<&'a CaptureFile> for FileCounts<'a> {
    fn from(file: &'a CaptureFile) -> Self {
        let (first_seen, last_seen) = (file.span.map(|span| At(span.0)), file.span.map(|span| At(span.1)));
        Self { name: &file.name, packets: file.packets, bytes: file.bytes, first_seen, last_seen }
    }
}

impl From<Volume> for Skipped {
    fn from(volume: Volume) -> Self {
        Self { packets: volume.packets, bytes: volume.bytes }
    }
}

impl<'a> From<&'a FindingTally> for Findings<'a> {
    fn from(tally: &'a FindingTally) -> Self {
        let severity = Severity::WORST_FIRST.map(|s| (s.name(), tally.by_severity.get(&s).copied().unwrap_or(0)));
        Self {
            total: tally.total(),
            severity: severity.into(),
            category: &tally.by_category,
            not_kept: tally.not_kept.values().sum(),
        }
    }
}
