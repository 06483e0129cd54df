use std::net::IpAddr;

use unicode_width::UnicodeWidthStr;

use super::super::samples::{self, CLEARTEXT, OLD_TLS};
use super::*;

fn report(findings: &[Finding], width: usize, level: Level) -> String {
    let closed = samples::ledger(findings);
    let mut out = Vec::new();
    let mut sink = Terminal::new(&mut out, samples::catalogue(), View { width, level });
    sink.inputs(&["a.pcapng".to_owned()]).unwrap();
    findings.iter().for_each(|finding| sink.finding(finding).unwrap());
    closed.handshakes.iter().for_each(|fact| sink.tls(fact).unwrap());
    closed.links.iter().for_each(|link| sink.link(link).unwrap());
    sink.summary(&samples::summary(findings, &closed)).unwrap();
    String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
}

fn some_of_everything() -> Vec<Finding> {
    let mut findings = vec![samples::login("alice")];
    findings.extend((1111..1118).map(samples::card));
    findings.push(samples::weak(OLD_TLS, 443, "TLSv1.0 with TLS_RSA_WITH_RC4_128_SHA"));
    findings.push(samples::weak(CLEARTEXT, 80, "http without encryption, 1 connection"));
    findings
}

#[test]
fn the_report_at_80_columns() {
    let expected = "\
PLAINSIGHT

  a.pcapng  12,345 packets  9.8 MB  5 m 0 s from 2026-01-02 03:04:05 UTC
  1 critical  7 high  1 medium  1 low  1 of 4 links exposed  1 of 4 links weak
  Worst: HTTP Basic credentials in cleartext (alice at 10.0.0.9:80
  (shop.example), accepted)

FINDINGS

 CRITICAL  HTTP Basic credentials in cleartext  http.basic-auth
           10.0.0.5 → 10.0.0.9:80 (shop.example)  http
           alice  ••••••  accepted  realm \"Admin\"  3 times
           in http.request.header.authorization
           frames 12–14 of a.pcapng, 2026-01-02 03:04:17 UTC
           fix: Serve the site over HTTPS alone, redirect everything else to it,
           and have every password changed that went over in the clear.

 HIGH      Payment card number  card.number
           10.0.0.5 → 10.0.0.9:80 (shop.example)  http
           7 values, e.g.  •••••• 1111  •••••• 1112  •••••• 1113  •••••• 1114
           in http.response.body.card
           frame 1131 of a.pcapng, 2026-01-02 03:22:56 UTC
           fix: Encrypt the link.

 LOW       Service without encryption  link.cleartext
           1 link:  http
           fix: Turn TLS on.

WEAK ENCRYPTION

 MEDIUM    Outdated TLS version  tls.old-version
           10.0.0.5 → 10.0.0.9:443  tls
           TLSv1.0 with TLS_RSA_WITH_RC4_128_SHA
           frames 12–14 of a.pcapng, 2026-01-02 03:04:17 UTC
           fix: Require TLS 1.2.

LINKS: 1 exposed, 1 weak, 1 unknown, 1 secure

          protocol  client → server                        protection
 EXPOSED  http      10.0.0.5 → 10.0.0.9:80 (shop.example)  none
            login by basic  cred.basic ×4  fin.pan ×7
 WEAK     tls       10.0.0.5 → 10.0.0.9:443 (old.example)  TLSv1.0
 UNKNOWN  unknown   10.0.0.5 → 10.0.0.9:9999               unknown
            nothing was sent
 SECURE   smtp      10.0.0.5 → 10.0.0.9:587                TLSv1.3 (upgraded)

HANDSHAKES

 TLSv1.0 ×1   TLSv1.3 ×1

WHAT COULD NOT BE SEEN

 unknown protocol  1  4.0 kB
 2 gaps in streams (3.0 kB missing)
 limit reached: flows of links not kept, 2
 a.pcapng: the last packet is cut short

plainsight explain RULE tells more about a finding.
10 findings in 12,345 packets and 4 streams; 0.2 s, 39.5 MB/s.
";
    let said = report(&some_of_everything(), 80, Level::Normal);
    assert_eq!(said, expected, "\n{said}");
}

#[test]
fn a_wide_screen_has_room_for_a_table_in_one_piece() {
    let said = report(&some_of_everything(), 160, Level::Normal);
    let links = said.lines().skip_while(|line| !line.starts_with("LINKS")).skip(2).take(3).collect::<Vec<_>>();
    let expected = [
        "          protocol  client → server                        protection          seen",
        " EXPOSED  http      10.0.0.5 → 10.0.0.9:80 (shop.example)  none                login by basic  cred.basic ×4  fin.pan ×7",
        " WEAK     tls       10.0.0.5 → 10.0.0.9:443 (old.example)  TLSv1.0",
    ];
    assert_eq!(links, expected);
}

#[test]
fn no_line_is_longer_than_the_screen_is_wide() {
    let mut findings = some_of_everything();
    findings[0].server_name = Some("a-rather-long-name.of-a-server.somewhere-in.example".repeat(2));
    findings[0].note = Some("facts ".repeat(30));
    findings[0].field = "http.request.body.json.".repeat(8);
    for width in [40, 60, 80, 160] {
        let said = report(&findings, width, Level::Verbose);
        let longest = said.lines().max_by_key(|line| line.width()).unwrap();
        assert!(longest.width() <= width, "{width}: {longest}");
    }
}

#[test]
fn quiet_shows_the_findings_alone() {
    let said = report(&some_of_everything(), 80, Level::Quiet);
    assert!(said.starts_with("FINDINGS\n"), "{said}");
    assert!(!said.contains("LINKS") && !said.contains("PLAINSIGHT") && said.contains("WEAK ENCRYPTION"));
    assert_eq!(report(&[], 80, Level::Quiet), "");
}

#[test]
fn without_findings_the_report_says_what_that_is_worth() {
    let said = report(&[], 80, Level::Normal);
    assert!(said.contains("No findings") && said.contains("1 link could not be judged"), "{said}");
    assert!(said.contains("WHAT COULD NOT BE SEEN"));
}

#[test]
fn long_lists_end_with_a_count_of_the_rest() {
    let accounts: Vec<_> = (0..9).map(|n| samples::login(&format!("user{n}"))).collect();
    let said = report(&accounts, 80, Level::Normal);
    assert!(said.contains("user3  ••••••  accepted"), "{said}");
    assert!(!said.contains("user4"));
    assert!(said.contains("… and 5 more (ndjson has all)"));

    let servers: Vec<_> = (0..9)
        .map(|n| {
            let mut finding = samples::login("alice");
            finding.server.ip = IpAddr::from([10, 0, 1, n]);
            finding
        })
        .collect();
    let said = report(&servers, 80, Level::Normal);
    let rest = "HTTP Basic credentials in cleartext … and 5 more at 5 servers (ndjson";
    assert!(said.contains(rest), "{said}");
    assert_eq!(said.matches("fix:").count(), 1);
    assert!(report(&servers, 80, Level::Verbose).contains("10.0.1.8:80"));
}

#[test]
fn what_the_wire_says_cannot_move_the_cursor() {
    let mut finding = samples::login("al\u{1b}[2Jice\r");
    finding.server_name = Some("\u{202e}moc.elpmaxe".to_owned());
    let said = report(&[finding], 80, Level::Verbose);
    assert!(said.contains("al\\x1b[2Jice\\r"), "{said}");
    assert!(said.contains("\\u{202e}moc"));
}

#[test]
fn a_clear_value_takes_the_place_of_the_masked_one() {
    let mut finding = samples::login("alice");
    finding.value.as_mut().unwrap().clear = Some("hunter2".to_owned());
    let said = report(&[finding], 80, Level::Normal);
    assert!(said.contains("alice  hunter2  accepted"), "{said}");
}

#[test]
fn the_folder_of_all_inputs_is_told_once() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(seen::common_folder(&names(&["a/b/c.pcap", "a/b/d/e.pcap"])), "a/b/");
    assert_eq!(seen::common_folder(&names(&["a/b.pcap", "ab/c.pcap"])), "");
    assert_eq!(seen::common_folder(&names(&["a/b.pcap"])), "");
}
