//! The command line: what it accepts, what it says, and its exit status.

use std::fs;
use std::process::Output;

use assert_cmd::Command;

/// A capture in which a password goes over in cleartext and is accepted.
const CAPTURE: &str = "fixtures/postgresql/cleartext-accepted.pcap";

fn plainsight(args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("plainsight").expect("the program is built with its tests");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").args(args).output().expect("it runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

/// The complaint of a run that must fail with status 2.
fn complaint(args: &[&str]) -> String {
    let output = plainsight(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stdout(&output));
    String::from_utf8(output.stderr).expect("complaints are UTF-8")
}

#[test]
fn a_mistake_is_named_with_what_it_was_about() {
    for (args, said) in [
        (&["read", "nowhere.pcap"][..], "nowhere.pcap: no such file"),
        (&["read", "Cargo.toml"], "Cargo.toml: not a packet capture: it starts with the text \"[package]"),
        (&["read", "src"], "src: no packet capture in this directory"),
        (&["read", CAPTURE, "--only", "nothing.*"], "no rule fits `nothing.*`"),
        (&["read", CAPTURE, "--rules", "nowhere.toml"], "nowhere.toml"),
        (&["read", CAPTURE, "--key-file", "nowhere.key"], "cannot read the key file nowhere.key"),
        (&["read", CAPTURE, "-o", "nowhere/a.txt"], "cannot write nowhere/a.txt"),
        (&["read", CAPTURE, "--format", "terminal", "--format", "ndjson"], "two reports for standard output"),
        (&["explain", "login.pasword"], "no rule `login.pasword`; did you mean `login.password`?"),
        (&["rules", "show", "xyzzy"], "no rule `xyzzy`; `plainsight rules list` shows them all"),
    ] {
        let complaint = complaint(args);
        assert!(complaint.starts_with("plainsight: "), "{complaint}");
        assert!(complaint.contains(said), "{args:?}: {complaint}");
        assert!(complaint.lines().count() <= 2, "{complaint}");
    }
}

#[cfg(feature = "live")]
#[test]
fn a_bad_filter_is_refused_in_the_words_of_libpcap() {
    let complaint = complaint(&["read", CAPTURE, "-f", "foo bar"]);
    assert!(complaint.contains("filter `foo bar`: ") && complaint.contains("syntax error"), "{complaint}");
}

#[test]
fn one_unreadable_input_among_others_is_told_and_the_others_are_read() {
    let output = plainsight(&["read", CAPTURE, "nowhere.pcap", "--format", "ndjson"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("\"type\":\"finding\""));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere.pcap: no such file"));
}

#[test]
fn fail_on_turns_a_severity_into_an_exit_status() {
    assert_eq!(plainsight(&["read", CAPTURE, "-q"]).status.code(), Some(0));
    assert_eq!(plainsight(&["read", CAPTURE, "-q", "--fail-on", "critical"]).status.code(), Some(1));
    let quiet = "fixtures/postgresql/nothing-sensitive.pcap";
    assert_eq!(plainsight(&["read", quiet, "-q", "--fail-on", "critical"]).status.code(), Some(0));
}

#[test]
fn what_is_piped_has_no_colour_unless_it_is_asked_for() {
    assert!(!stdout(&plainsight(&["read", CAPTURE])).contains('\u{1b}'));
    assert!(stdout(&plainsight(&["read", CAPTURE, "--color", "always"])).contains("\u{1b}["));
}

#[test]
fn every_report_goes_where_its_o_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [people, programs] = ["a.txt", "a.ndjson"].map(|name| folder.path().join(name));
    let (people, programs) = (people.to_str().expect("UTF-8"), programs.to_str().expect("UTF-8"));
    let output =
        plainsight(&["read", CAPTURE, "--format", "terminal", "-o", people, "--format", "ndjson", "-o", programs]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""));
    assert!(fs::read_to_string(people).expect("written").starts_with("PLAINSIGHT\n"));
    let lines = fs::read_to_string(programs).expect("written");
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["type"], &last["findings"]["severity"]["critical"]), (&"summary".into(), &1.into()));
}

#[test]
fn a_value_is_in_clear_only_when_it_is_asked_for() {
    let secret = |args: &[&str]| {
        let lines = stdout(&plainsight(args));
        let finding = lines.lines().find(|line| line.contains("cred.password")).expect("the login");
        serde_json::from_str::<serde_json::Value>(finding).expect("JSON")["value"]["clear"].clone()
    };
    assert_eq!(secret(&["read", CAPTURE, "--format", "ndjson"]), serde_json::Value::Null);
    assert!(secret(&["read", CAPTURE, "--format", "ndjson", "--reveal"]).is_string());
}

#[test]
fn with_a_key_the_fingerprints_of_two_runs_agree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = folder.path().join("key");
    fs::write(&key, [7; 32]).expect("written");
    let findings = |args: &[&str]| {
        let output = stdout(&plainsight(&[&["read", CAPTURE, "--format", "ndjson"], args].concat()));
        output.lines().filter(|line| line.contains("\"finding\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    let with_key = ["--key-file", key.to_str().expect("UTF-8")];
    assert_eq!(findings(&with_key), findings(&with_key));
    assert_ne!(findings(&[]), findings(&[]));
}

#[test]
fn a_capture_is_read_from_standard_input() {
    let mut command = Command::cargo_bin("plainsight").expect("the program is built with its tests");
    let capture = fs::read(format!("{}/{CAPTURE}", env!("CARGO_MANIFEST_DIR"))).expect("the fixture");
    let output = command.args(["read", "-", "--format", "ndjson"]).write_stdin(capture).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("\"file\":\"-\""), "{}", stdout(&output));
}

#[test]
fn rules_are_listed_shown_explained_and_tried() {
    let list = stdout(&plainsight(&["rules", "list", "login.*"]));
    assert!(list.lines().all(|line| line.contains("login.")) && list.contains("login.password"), "{list}");
    assert!(stdout(&plainsight(&["rules", "show", "login.password"])).contains("looks at      logins"));
    let explained = stdout(&plainsight(&["explain", "login.password"]));
    assert!(explained.contains("How to put it right") && explained.contains("CWE-319"), "{explained}");
    assert_eq!(plainsight(&["rules", "check"]).status.code(), Some(0));
}

#[test]
fn a_rule_that_breaks_its_promise_is_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    let rule = r#"
        [[rule]]
        id = "mine.broken"
        title = "Mine"
        kind = "cred.password"
        severity = "high"
        description = "A rule with an example it does not match."
        fix = "Change the example."
        references = ["CWE-319"]
        on = "login"
        mechanisms = ["never"]
        matches = [{ mechanism = "clear", proof = "password", value = "hunter2" }]
        misses = [{ mechanism = "basic", proof = "password", value = "hunter2" }]
    "#;
    fs::write(&path, rule).expect("written");
    let output = plainsight(&["rules", "check", path.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("mine.broken example 1 of `matches` gives"), "{}", stdout(&output));
}

#[test]
fn a_text_is_scanned_for_programs_too() {
    let scan = |args: &[&str]| {
        let mut command = Command::cargo_bin("plainsight").expect("the program is built with its tests");
        let text = "user = bob\npassword = Winter-2024!x\ncard 4539 5787 6362 1486\n";
        let output = command.args(["rules", "scan", "-"]).args(args).write_stdin(text).output().expect("it runs");
        let lines = stdout(&output);
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<serde_json::Value>>()
    };
    let all = scan(&["--format", "ndjson"]);
    let lines: Vec<_> = all.iter().map(|found| found["lines"][0].as_u64()).collect();
    assert_eq!(lines, [Some(2), Some(3)], "{all:?}");
    assert!(all.iter().all(|found| found["type"] == "match" && found["clear"].is_null()), "{all:?}");
    let cards = scan(&["--format", "ndjson", "--only", "fin.*", "--reveal"]);
    assert_eq!((cards.len(), &cards[0]["clear"]), (1, &"4539 5787 6362 1486".into()), "{cards:?}");
    assert_eq!(scan(&["--format", "ndjson", "--skip", "fin.*"]).len(), 1);
}

#[test]
fn a_rule_that_costs_too_much_is_named_and_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (text, rules) = (folder.path().join("a.txt"), folder.path().join("greedy.toml"));
    fs::write(&text, "the class of the value is a number, and so on\n".repeat(2000)).expect("written");
    let rule = r#"
        [[rule]]
        id = "mine.greedy"
        title = "Mine"
        kind = "secret.mine"
        severity = "high"
        description = "A rule whose keyword is everywhere."
        fix = "A longer keyword."
        on = "content"
        keywords = ["class"]
        before = 100
        after = 1000
        regex = "zz[a-z]{4}class"
    "#;
    fs::write(&rules, rule).expect("written");
    let (text, rules) = (text.to_str().expect("UTF-8"), rules.to_str().expect("UTF-8"));
    let modest = plainsight(&["rules", "bench", text, "--naive"]);
    assert_eq!(modest.status.code(), Some(0), "{}", stdout(&modest));
    let told = stdout(&modest).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("times as fast"), "{told}");
    let greedy = plainsight(&["rules", "bench", text, "--format", "ndjson", "--rules", rules]);
    assert_eq!(greedy.status.code(), Some(1));
    let total = stdout(&greedy).lines().last().map(serde_json::from_str::<serde_json::Value>).expect("a line");
    assert_eq!(total.expect("JSON")["over_budget"], serde_json::json!(["mine.greedy"]));
}

#[test]
fn every_command_helps_with_examples() {
    for command in [&["--help"][..], &["read", "--help"], &["rules", "--help"], &["explain", "--help"]] {
        let help = stdout(&plainsight(command));
        assert!(help.contains("Examples:\n  "), "{command:?}: {help}");
    }
}

#[cfg(feature = "live")]
#[test]
fn interfaces_are_listed_and_a_missing_one_is_told() {
    let listed = plainsight(&["interfaces"]);
    assert!(listed.status.success());
    assert!(stdout(&listed).starts_with("interface "), "{}", stdout(&listed));
    let complaint = complaint(&["interfaces", "no-such-interface"]);
    assert!(complaint.contains("no-such-interface: no such interface"), "{complaint}");
}
