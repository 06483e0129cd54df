//! Live traffic, in a network namespace of the test's own: real connections over its loopback.
//!
//! Only root may make one: for anybody else, and where the kernel has none, these tests say that they
//! were skipped.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::of_type;

/// Runs one of the tests below where there is nothing but a loopback interface.
fn in_a_network_of_its_own(test: &str) {
    let itself = std::env::current_exe().expect("a test knows its own binary");
    let mut command = Command::new("unshare");
    command.arg("--net").arg(itself).args(["--ignored", "--exact", "--nocapture", test]);
    let may = Command::new("unshare").args(["--net", "ip", "link", "set", "lo", "up"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {test} needs root, unshare and ip");
        return;
    }
    let output = command.output().expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
fn findings_are_told_within_a_second_and_a_stop_ends_with_all_of_them() {
    in_a_network_of_its_own("live::inside_a_login_is_told");
}

#[test]
fn a_link_is_told_while_its_connection_is_open() {
    in_a_network_of_its_own("live::inside_a_connection_stays_open");
}

#[test]
fn a_rotated_report_loses_no_line() {
    in_a_network_of_its_own("live::inside_a_report_is_rotated");
}

#[test]
fn an_interface_that_goes_away_is_waited_for() {
    in_a_network_of_its_own("live::inside_an_interface_goes_away");
}

#[test]
fn nobody_in_particular_can_watch() {
    in_a_network_of_its_own("live::inside_nobody_watches");
}

/// `plainsight watch` with a report in a folder.
struct Watch {
    child: Child,
    folder: tempfile::TempDir,
}

impl Watch {
    fn start(arguments: &[&str]) -> Self {
        ip("link set lo up");
        let folder = tempfile::tempdir().expect("a folder");
        open_to_all(folder.path());
        let report = folder.path().join("report");
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
        command.args(["watch", "--format", "ndjson", "-o"]).arg(&report).args(arguments);
        let child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let watch = Self { child, folder };
        // The report is opened once the interfaces are.
        wait_for("the report", || report.exists());
        watch
    }

    fn report(&self) -> String {
        fs::read_to_string(self.folder.path().join("report")).unwrap_or_default()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill runs").success());
    }

    /// Stops it. Its last words on standard error, and its report.
    fn stop(mut self) -> (String, String) {
        self.signal("-TERM");
        let mut said = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut said);
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0), "{said}");
        (said, self.report())
    }
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("a folder of our own");
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("ip runs");
    assert!(status.success(), "ip {arguments}");
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !there() {
        assert!(Instant::now() < end, "{what} does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Logs in over HTTP as `user`, for real.
fn log_in(user: &str) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("an address");
    let serving = thread::spawn(move || {
        let (stream, _) = server.accept().expect("a client");
        let mut lines = BufReader::new(&stream).lines();
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("a client that listens");
    });
    let mut client = TcpStream::connect(address).expect("a server");
    let body = format!("user={user}&password=Tr0ub4dor-{user}");
    let head = "POST /login HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    write!(client, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).expect("a server");
    let _ = client.read_to_end(&mut Vec::new());
    serving.join().expect("the server serves");
}

fn users(report: &str) -> Vec<String> {
    let findings = of_type(report, "finding").into_iter().filter(|finding| finding["category"] == "credential");
    let mut users: Vec<_> = findings.filter_map(|f| f["username"].as_str().map(str::to_owned)).collect();
    users.sort();
    users.dedup();
    users
}

#[test]
#[ignore = "runs inside a network of its own"]
fn inside_a_login_is_told() {
    let watch = Watch::start(&["-i", "lo"]);
    let begun = Instant::now();
    log_in("alice");
    wait_for("the finding", || users(&watch.report()) == ["alice"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    watch.signal("-USR1");
    // What has passed when it is told to stop is in the report, said or not.
    for n in 0..20 {
        log_in(&format!("user{n:02}"));
    }
    let (said, report) = watch.stop();
    assert!(said.contains("packets") && said.contains("0 dropped"), "{said}");
    assert_eq!(users(&report).len(), 21);
    let last: Value = serde_json::from_str(report.lines().last().expect("lines")).expect("JSON");
    assert_eq!(last["type"], "summary");
    assert_eq!(last["streams"]["tcp"], 21);
    assert_eq!(last["capture"]["dropped_by_kernel"], 0);
    assert!(!report.contains("Tr0ub4dor"), "masked");
}

#[test]
#[ignore = "runs inside a network of its own"]
fn inside_a_connection_stays_open() {
    let watch = Watch::start(&["-i", "lo"]);
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(server.local_addr().expect("an address")).expect("a server");
    let (served, _) = server.accept().expect("a client");
    (&client).write_all(b"*2\r\n$4\r\nAUTH\r\n$12\r\ns3cr3t-Horse\r\n").expect("a server");
    (&served).write_all(b"+OK\r\n").expect("a client");
    wait_for("the link", || of_type(&watch.report(), "link").iter().any(|link| link["verdict"] == "exposed"));
    let said = |rule: &str| of_type(&watch.report(), "finding").iter().any(|finding| finding["rule"] == rule);
    wait_for("what is to be thought of it", || said("link.cleartext"));
    drop((client, served));
    let (_, report) = watch.stop();
    assert_eq!(of_type(&report, "link").last().expect("links")["flows"], 1);
}

#[test]
#[ignore = "runs inside a network of its own"]
fn inside_a_report_is_rotated() {
    let watch = Watch::start(&["-i", "lo"]);
    let (report, old) = (watch.folder.path().join("report"), watch.folder.path().join("report.1"));
    for n in 0..60 {
        if n == 30 {
            fs::rename(&report, &old).expect("a report");
            watch.signal("-HUP");
        }
        log_in(&format!("user{n:02}"));
    }
    wait_for("the new report", || report.exists());
    let old = fs::read_to_string(old).expect("the old report");
    let (said, new) = watch.stop();
    assert!(said.contains("reports opened anew, rules loaded again"), "{said}");
    let both = old + &new;
    assert_eq!(users(&both).len(), 60);
    assert!(!of_type(&new, "summary").is_empty());
}

#[test]
#[ignore = "runs inside a network of its own"]
fn inside_an_interface_goes_away() {
    ip("link add tap0 type veth peer name tap1");
    ip("link set tap0 up");
    ip("link set tap1 up");
    let watch = Watch::start(&["-i", "tap0", "-i", "lo"]);
    ip("link del tap0");
    log_in("alice");
    wait_for("the finding", || users(&watch.report()) == ["alice"]);
    thread::sleep(Duration::from_millis(1200));
    ip("link add tap0 type veth peer name tap1");
    ip("link set tap0 up");
    thread::sleep(Duration::from_millis(2500));
    let (said, report) = watch.stop();
    assert!(said.contains("tap0") && said.contains("waiting for it to come back"), "{said}");
    assert!(said.contains("tap0: back again"), "{said}");
    let last: Value = serde_json::from_str(report.lines().last().expect("lines")).expect("JSON");
    assert_eq!(last["notes"][0]["file"], "tap0", "{last}");
}

#[test]
#[ignore = "runs inside a network of its own"]
fn inside_nobody_watches() {
    let watch = Watch::start(&["-i", "lo", "--user", "nobody", "--lanes", "2", "-v"]);
    let status = fs::read_to_string(format!("/proc/{}/status", watch.child.id())).expect("it runs");
    assert!(!status.lines().any(|line| line.starts_with("Uid:\t0")), "{status}");
    for n in 0..10 {
        log_in(&format!("user{n}"));
    }
    let (said, report) = watch.stop();
    assert_eq!(users(&report).len(), 10, "{said}");
}
