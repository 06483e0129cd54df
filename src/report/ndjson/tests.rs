use super::super::samples;
use super::*;
use crate::model::finding::RuleIndex;

fn written(act: impl FnOnce(&mut Ndjson<&mut Vec<u8>>)) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    let mut sink = Ndjson::new(&mut out, samples::catalogue());
    sink.inputs(&["a.pcapng".to_owned()]).unwrap();
    act(&mut sink);
    let text = String::from_utf8(out).unwrap();
    assert!(text.lines().all(|line| line.starts_with("{\"type\":\"")), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_finding_has_every_field_of_the_contract() {
    let lines = written(|sink| sink.finding(&samples::login("alice")).unwrap());
    let expected = serde_json::json!({
        "type": "finding", "schema": 1, "id": "f_0000000000000005", "rule": "http.basic-auth",
        "title": "HTTP Basic credentials in cleartext", "category": "credential", "kind": "cred.basic",
        "severity": "critical", "confidence": "high", "protocol": "http", "transport": "tcp",
        "community_id": community_id::of(samples::flow(1, 80).transport, samples::flow(1, 80).server, samples::flow(1, 80).client),
        "client": {"ip": "10.0.0.5", "port": 51514},
        "server": {"ip": "10.0.0.9", "port": 80, "name": "shop.example"},
        "direction": "to_server", "field": "http.request.header.authorization", "username": "alice",
        "value": {"masked": "••••••", "fingerprint": "hmac:3f9c", "length": 9},
        "outcome": "accepted",
        "evidence": {"file": "a.pcapng", "frames": [12, 14], "note": "realm \"Admin\""},
        "count": 3, "first_seen": "2026-01-02T03:04:17.123456Z", "last_seen": "2026-01-02T03:05:35.123456Z",
        "references": ["CWE-319", "ATT&CK:T1040"],
        "fix": samples::catalogue().rule(RuleIndex(samples::BASIC)).fix,
        "why": ["a login that the server accepted"],
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn the_clear_value_is_written_only_when_the_finding_has_it() {
    let mut revealed = samples::login("alice");
    revealed.value.as_mut().unwrap().clear = Some("hunter2".to_owned());
    let lines = written(|sink| {
        sink.finding(&samples::login("alice")).unwrap();
        sink.finding(&revealed).unwrap();
    });
    assert_eq!(lines[0]["value"].get("clear"), None);
    assert_eq!(lines[1]["value"]["clear"], "hunter2");
}

#[test]
fn evidence_that_goes_on_in_the_next_file_names_both() {
    let mut finding = samples::login("alice");
    finding.span.last.frame.file = 1;
    let mut out = Vec::new();
    let mut sink = Ndjson::new(&mut out, samples::catalogue());
    sink.inputs(&["a".to_owned(), "b".to_owned()]).unwrap();
    sink.finding(&finding).unwrap();
    let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&line["evidence"]["file"], &line["evidence"]["last_file"]), (&"a".into(), &"b".into()));
}

#[test]
fn links_handshakes_and_the_summary_say_what_the_contract_names() {
    let findings = [samples::login("alice"), samples::card(1111)];
    let closed = samples::ledger(&findings);
    let lines = written(|sink| {
        closed.handshakes.iter().for_each(|fact| sink.tls(fact).unwrap());
        closed.links.iter().for_each(|link| sink.link(link).unwrap());
        sink.summary(&samples::summary(&findings, &closed)).unwrap();
    });
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tls", "tls", "link", "link", "link", "link", "summary"]);
    let (tls, http, old, mail) = (&lines[0], &lines[2], &lines[3], &lines[4]);
    assert_eq!(tls["offered"]["ciphers"], serde_json::json!(["TLS_RSA_WITH_RC4_128_SHA"]));
    assert_eq!(tls["chain"][0]["subject"], "CN=old.example");
    assert_eq!(http["auth"], serde_json::json!([{"mechanism": "basic", "grade": "broken"}]));
    assert_eq!(http["data"], serde_json::json!({"cred.basic": 3, "fin.pan": 1}));
    assert_eq!(
        (&http["verdict"], &http["findings"], &http["worst"]),
        (&"exposed".into(), &2.into(), &"critical".into())
    );
    assert_eq!(http["bytes"], serde_json::json!({"to_server": 1000, "to_client": 0}));
    assert_eq!((&old["verdict"], &old["tls"]["version"]), (&"weak".into(), &"TLSv1.0".into()));
    assert_eq!((&mail["encryption"], &mail["upgrade"]), (&"upgraded".into(), &"done".into()));
    assert_eq!(lines[5]["why"], "nothing was sent");
    let summary = &lines[6];
    assert_eq!(summary["capture"]["packets"], 12345);
    assert_eq!(summary["findings"]["severity"]["critical"], 1);
    assert_eq!(summary["findings"]["category"], serde_json::json!({"credential": 1, "financial": 1}));
    assert_eq!(summary["links"], serde_json::json!({"exposed": 1, "secure": 1, "unknown": 1, "weak": 1}));
    assert_eq!(summary["skipped"]["unknown protocol"], serde_json::json!({"packets": 1, "bytes": 4096}));
}
