//! `read` gives up what it does not need, and goes on reading.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

/// A capture in which a password goes over in cleartext and is accepted.
const CAPTURE: &str = "fixtures/postgresql/cleartext-accepted.pcap";

/// How long a process may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn plainsight(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("plainsight"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("read").args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether everything there is is in force here; says so if not.
fn complete() -> bool {
    let output = plainsight(&["--sandbox", "require", "-q", CAPTURE]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if !said.is_empty() {
        eprintln!("skipped: {said}");
    }
    said.is_empty()
}

/// Starts reading, from a pipe at first, and waits until the process stands before the pipe, confined.
fn before_the_pipe(pipe: &Path, args: &[&str]) -> (Child, String) {
    mkfifo(pipe, Mode::from_bits_truncate(0o644)).expect("a pipe");
    // A container may have put filters around this process too.
    let filters = |status: &str| field(status, "Seccomp_filters").parse::<u32>().expect("a number");
    let around = filters(&fs::read_to_string("/proc/self/status").expect("readable"));
    let child = plainsight(args).spawn().expect("it starts");
    let begun = Instant::now();
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
        if filters(&status) == around + 2 {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "not confined: {status}");
        thread::sleep(Duration::from_millis(10));
    };
    (child, status)
}

fn feed(pipe: &Path) {
    let capture = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(CAPTURE)).expect("readable");
    fs::OpenOptions::new().write(true).open(pipe).and_then(|mut pipe| pipe.write_all(&capture)).expect("it reads");
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
    line.unwrap_or_else(|| panic!("no {name} in {status}"))
}

#[test]
fn what_is_put_in_the_place_of_an_input_is_not_read() {
    if !complete() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (pipe, second, secret) = (path("pipe"), path("second.pcap"), path("secret.pcap"));
    fs::copy(CAPTURE, &second).expect("copied");
    fs::copy(CAPTURE, &secret).expect("copied");
    let inputs = [&pipe, &second].map(|path| path.to_str().expect("UTF-8"));
    let (child, status) = before_the_pipe(&pipe, &["--format", "ndjson", inputs[0], inputs[1]]);
    assert_eq!((field(&status, "NoNewPrivs"), field(&status, "Seccomp")), ("1", "2"));
    // Root keeps CAP_DAC_READ_SEARCH, to read what others own.
    let kept = if Uid::effective().is_root() { "0000000000000004" } else { "0000000000000000" };
    assert_eq!(field(&status, "CapEff"), kept);
    fs::remove_file(&second).and_then(|()| symlink(&secret, &second)).expect("replaced");
    feed(&pipe);
    let output = child.wait_with_output().expect("it ends");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"type\":\"finding\""));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("second.pcap: permission denied"), "{said}");
}

#[test]
fn root_reads_as_the_user_it_is_told_to_be() {
    if !Uid::effective().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    if !complete() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("changed");
    let (pipe, report) = (folder.path().join("pipe"), folder.path().join("report.ndjson"));
    let paths = [&pipe, &report].map(|path| path.to_str().expect("UTF-8"));
    let args = ["--user", "65534:65534", "--format", "ndjson", "-o", paths[1], paths[0]];
    let (child, status) = before_the_pipe(&pipe, &args);
    assert_eq!(field(&status, "Uid"), "65534\t65534\t65534\t65534");
    assert_eq!(field(&status, "CapPrm"), "0000000000000000");
    feed(&pipe);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The report was open before the user changed, in a folder that is root's.
    assert!(fs::read_to_string(&report).expect("readable").contains("\"type\":\"finding\""));
}

#[test]
fn names_in_a_filter_are_known_to_the_confined() {
    let output = plainsight(&["-f", "port postgresql or port https", CAPTURE]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn verbose_says_what_is_in_force() {
    let said = |args: &[&str]| {
        let output = plainsight(args).output().expect("it runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&["-v", CAPTURE]).starts_with("plainsight: confined: "));
    assert_eq!(said(&["-v", "--sandbox", "off", CAPTURE]), "plainsight: not confined\n");
    assert!(said(&["--user", "no-such-user", CAPTURE]).contains("cannot become no-such-user: there is no such user"));
}
