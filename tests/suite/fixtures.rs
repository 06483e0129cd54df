//! Every capture of `fixtures/` against its truth file.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::support::{How, fixtures, of_type, read};

/// What is on the wire: `fixtures/README.md` has the meaning of each field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "server")]
    _server: String,
    #[serde(default, rename = "partial")]
    _partial: bool,
    #[serde(default, rename = "source")]
    _source: Option<String>,
    /// What keeps plainsight from reading it.
    unread: Option<String>,
    #[serde(default)]
    finding: Vec<Wanted>,
    #[serde(default)]
    link: Vec<WantedLink>,
    #[serde(default)]
    tls: Vec<WantedTls>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: String,
    #[serde(default)]
    alt: Vec<String>,
    protocol: String,
    mechanism: Option<String>,
    username: Option<String>,
    secret: Option<String>,
    outcome: Option<String>,
    server: String,
    #[serde(default = "yes")]
    required: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct WantedLink {
    server: String,
    transport: String,
    protocol: String,
    encryption: String,
    upgrade: Option<String>,
    #[serde(default)]
    auth: Vec<String>,
    verdict: Option<String>,
    #[serde(default = "yes")]
    required: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct WantedTls {
    server: String,
    version: String,
    cipher: String,
    sni: Option<String>,
    #[serde(default)]
    findings: Vec<String>,
    #[serde(default)]
    allowed: Vec<String>,
}

const fn yes() -> bool {
    true
}

#[test]
fn every_fixture_says_what_its_truth_file_says() {
    let mut wrong = Vec::new();
    let fixtures = fixtures();
    assert!(!fixtures.is_empty(), "fixtures/ is empty");
    for (capture, truth) in &fixtures {
        let text = fs::read_to_string(truth).expect("a truth file can be read");
        let truth: Truth = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", truth.display()));
        let said = read(&[capture], How::default());
        let name = capture.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(capture).display();
        wrong.extend(differences(&truth, &said).into_iter().map(|d| format!("{name}: {d}")));
    }
    assert!(wrong.is_empty(), "{} differences in {} fixtures:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
}

#[test]
fn no_secret_of_a_fixture_is_printed_unless_asked_for() {
    for (capture, truth) in fixtures() {
        let truth: Truth = toml::from_str(&fs::read_to_string(truth).expect("readable")).expect("sound");
        let said = read(&[&capture], How { reveal: false, ..How::default() });
        for wanted in &truth.finding {
            let Some(secret) = wanted.secret.as_deref().filter(|s| s.len() > 5 && !wanted.kind.starts_with("pii."))
            else {
                continue;
            };
            // One line of a PEM or a connection string is as bad as the whole.
            for line in secret.lines().filter(|l| l.len() > 5 && !l.contains("-----")) {
                let quoted = serde_json::to_string(line).expect("a string");
                assert!(!said.contains(quoted.trim_matches('"')), "{}: prints a {}", capture.display(), wanted.kind);
            }
        }
    }
}

#[test]
fn the_number_of_workers_makes_no_difference() {
    for (capture, _) in fixtures() {
        let one = read(&[&capture], How { jobs: 1, ..How::default() });
        let four = read(&[&capture], How { jobs: 4, ..How::default() });
        assert_eq!(one, four, "{}", capture.display());
    }
}

#[test]
fn a_capture_in_two_files_says_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (capture, _) in fixtures() {
        let bytes = fs::read(&capture).expect("readable");
        let Some((first, second)) = halves(&bytes) else { continue };
        let paths = [folder.path().join("1.pcap"), folder.path().join("2.pcap")];
        fs::write(&paths[0], first).expect("writable");
        fs::write(&paths[1], second).expect("writable");
        let whole = read(&[&capture], How::default());
        let cut = read(&[&paths[0], &paths[1]], How::default());
        assert_eq!(essence(&whole), essence(&cut), "{}", capture.display());
    }
}

/// The findings and links without what names files and packets, which a cut must change.
fn essence(ndjson: &str) -> Vec<Value> {
    let mut lines: Vec<Value> = ["finding", "link", "tls"].iter().flat_map(|t| of_type(ndjson, t)).collect();
    for line in &mut lines {
        if let Some(object) = line.as_object_mut() {
            object.remove("evidence");
        }
    }
    lines
}

/// A pcap file cut between two packets, in the middle. `None` for other formats.
fn halves(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let header = bytes.get(..24)?;
    if header.get(..4)? != [0xd4, 0xc3, 0xb2, 0xa1] {
        return None;
    }
    let mut at = 24;
    while at < bytes.len() / 2 {
        let length = u32::from_le_bytes(bytes.get(at + 8..at + 12)?.try_into().ok()?);
        at += 16 + length as usize;
    }
    let mut second = header.to_vec();
    second.extend_from_slice(bytes.get(at..)?);
    Some((bytes.get(..at)?.to_vec(), second))
}

fn differences(truth: &Truth, said: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let findings = of_type(said, "finding");
    if truth.unread.is_some() {
        let summary = of_type(said, "summary");
        let silent = summary.iter().all(|s| s["skipped"].as_object().is_none_or(serde_json::Map::is_empty));
        let unknown = of_type(said, "link").iter().any(|l| l["verdict"] == "unknown");
        if silent && !unknown {
            wrong.push("says nothing of what it cannot read".to_owned());
        }
    }
    for wanted in truth.finding.iter().filter(|w| w.required && truth.unread.is_none()) {
        if !findings.iter().any(|f| is(f, wanted)) {
            wrong.push(format!("missing {wanted:?}"));
        }
    }
    for finding in findings.iter().filter(|f| f["value"].is_object() && f["confidence"] != "low") {
        if !is_posture(finding) && !truth.finding.iter().any(|wanted| explains(finding, wanted)) {
            wrong.push(format!(
                "extra {} {} {} {}",
                finding["kind"], finding["field"], finding["username"], finding["value"]
            ));
        }
    }
    for wanted in truth.link.iter().filter(|w| w.required && truth.unread.is_none()) {
        let links = of_type(said, "link");
        let here: Vec<_> =
            links.iter().filter(|l| server(l) == wanted.server && l["transport"] == wanted.transport).collect();
        let fits = |l: &&Value| {
            l["protocol"] == wanted.protocol
                && l["encryption"] == wanted.encryption
                && wanted.upgrade.as_ref().is_none_or(|u| l["upgrade"] == *u)
                && wanted.verdict.as_ref().is_none_or(|v| l["verdict"] == *v)
                && wanted.auth.iter().all(|a| l["auth"].to_string().contains(a))
        };
        if !here.iter().any(fits) {
            let seen: Vec<_> = here
                .iter()
                .map(|l| {
                    format!("{} {} {} {} {}", l["protocol"], l["encryption"], l["upgrade"], l["verdict"], l["auth"])
                })
                .collect();
            wrong.push(format!("missing {wanted:?}; seen: {seen:?}"));
        }
    }
    for wanted in truth.tls.iter().filter(|_| truth.unread.is_none()) {
        let handshakes = of_type(said, "tls");
        let fits = |t: &Value| {
            server(t) == wanted.server
                && t["version"] == wanted.version
                && t["cipher"] == wanted.cipher
                && wanted.sni.as_ref().is_none_or(|sni| t["sni"] == *sni)
        };
        if !handshakes.iter().any(fits) {
            let seen: Vec<_> = handshakes
                .iter()
                .map(|t| format!("{} {} {} {}", server(t), t["version"], t["cipher"], t["sni"]))
                .collect();
            wrong.push(format!("missing {wanted:?}; seen: {seen:?}"));
        }
        for kind in &wanted.findings {
            if !findings.iter().any(|f| server(f) == wanted.server && f["kind"] == *kind) {
                wrong.push(format!("missing {kind} at {}", wanted.server));
            }
        }
    }
    for finding in findings.iter().filter(|f| is_posture(f)) {
        let kind = finding["kind"].as_str().unwrap_or_default();
        let known = truth
            .tls
            .iter()
            .any(|t| t.findings.iter().chain(&t.allowed).any(|k| k == kind) && t.server == server(finding));
        if (kind.starts_with("tls.") || kind.starts_with("cert."))
            && finding["severity"] != "info"
            && finding["severity"] != "low"
            && !known
        {
            wrong.push(format!("extra {kind} at {}: {}", server(finding), finding["evidence"]["note"]));
        }
    }
    wrong
}

/// Whether a finding is about a link or a handshake, not about a value on the wire.
fn is_posture(finding: &Value) -> bool {
    let kind = finding["kind"].as_str().unwrap_or_default();
    ["tls.", "cert.", "link.", "posture."].iter().any(|family| kind.starts_with(family))
}

fn is(finding: &Value, wanted: &Wanted) -> bool {
    let kind_fits = finding["kind"] == wanted.kind || wanted.alt.iter().any(|kind| finding["kind"] == *kind);
    kind_fits
        && finding["protocol"] == wanted.protocol
        && server(finding) == wanted.server
        && wanted.username.as_ref().is_none_or(|u| finding["username"] == *u)
        && wanted.secret.as_ref().is_none_or(|s| same(clear(finding), s))
        && wanted.outcome.as_ref().is_none_or(|o| finding["outcome"] == *o)
        && (wanted.mechanism.is_none() || wanted.outcome.is_none() || finding["outcome"].is_string())
}

/// Whether a finding is one way to see something the truth file knows of.
fn explains(finding: &Value, wanted: &Wanted) -> bool {
    let value = clear(finding);
    let secret = wanted.secret.as_deref();
    server(finding) == wanted.server
        && (secret.is_some_and(|s| same(value, s) || value.contains(s) || s.contains(value))
            || secret.is_none() && wanted.username.as_ref().is_some_and(|u| finding["username"] == *u)
            || secret.is_none() && wanted.username.is_none() && is(finding, wanted))
}

fn same(found: &str, wanted: &str) -> bool {
    let plain = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    found == wanted || plain(found) == plain(wanted)
}

fn clear(finding: &Value) -> &str {
    finding["value"]["clear"].as_str().unwrap_or_default()
}

fn server(line: &Value) -> String {
    let ip = line["server"]["ip"].as_str().unwrap_or_default();
    let port = &line["server"]["port"];
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// The truth files are there to be read: each names its capture's case in a sentence.
#[test]
fn every_fixture_has_its_truth_beside_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for capture in crate::support::files(&root) {
        if capture.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            assert!(capture.with_extension("toml").exists(), "{} has no truth file", capture.display());
        }
    }
}
