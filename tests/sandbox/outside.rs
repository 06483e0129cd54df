//! Starts confined processes, and judges what they say.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::inside::{LACKING, ROLE};

const REFUSED: &str = "Operation not permitted (os error 1)";
const DENIED: &str = "Permission denied (os error 13)";

/// `CAP_NET_RAW` and `CAP_DAC_READ_SEARCH` as `/proc/PID/status` shows them.
const NET_RAW: &str = "0000000000002000";
const READ_SEARCH: &str = "0000000000000004";
const NONE: &str = "0000000000000000";

/// Somebody without rights whom every system has.
const NOBODY: &str = "65534:65534";

type Test = (&'static str, fn(&Path));

pub(crate) fn main() {
    let everybody: &[Test] = &[
        ("only_the_files_that_were_named_can_be_opened", only_what_was_named),
        ("no_program_connection_or_signal_gets_out", nothing_gets_out),
    ];
    let root: &[Test] = &[
        ("root_becomes_the_user_for_good", root_becomes_the_user),
        ("an_interface_is_opened_again_with_one_capability", one_capability),
        ("nothing_is_sent_through_an_open_interface", nothing_is_sent),
        ("root_that_stays_root_keeps_reading_what_others_own", root_keeps_reading),
    ];
    let is_root = nix::unistd::Uid::effective().is_root();
    let folder = tempfile::tempdir().expect("a folder");
    let Some(_) = Confined::start(&[]) else { return };
    for (name, test) in everybody {
        run(name, *test, folder.path());
    }
    for (name, test) in root {
        if is_root { run(name, *test, folder.path()) } else { println!("test {name} ... skipped: needs root") }
    }
}

fn run(name: &str, test: fn(&Path), folder: &Path) {
    let folder = folder.join(name);
    fs::create_dir(&folder).expect("a folder");
    open_to_all(&folder);
    if let Some(above) = folder.parent() {
        open_to_all(above);
    }
    print!("test {name} ... ");
    test(&folder);
    println!("ok");
}

fn only_what_was_named(folder: &Path) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (named, other, reports) = (path("named"), path("other"), path("reports"));
    fs::write(&named, "").expect("written");
    fs::write(&other, "").expect("written");
    fs::create_dir(&reports).expect("a folder");
    fs::write(path("reports/old"), "").expect("written");
    let arguments = [format!("read={named}"), format!("write={reports}"), format!("read={}", path("missing"))];
    let mut confined = Confined::start(&arguments).expect("it was possible before");
    for (attempt, said) in [
        (format!("read {named}"), "ok"),
        (format!("thread-read {named}"), "ok"),
        (format!("write {reports}/new"), "ok"),
        (format!("read {reports}/new"), "ok"),
        (format!("replace {reports}/old"), "ok"),
        (format!("write {named}"), DENIED),
        (format!("read {other}"), DENIED),
        (format!("thread-read {other}"), DENIED),
        (format!("write {other}"), DENIED),
        (format!("write {}", path("elsewhere")), DENIED),
        (format!("list {}", folder.display()), DENIED),
        ("read /etc/shadow".to_owned(), DENIED),
        ("read /etc/passwd".to_owned(), DENIED),
        (format!("read {}", path("missing")), "No such file or directory (os error 2)"),
    ] {
        assert_eq!(confined.attempt(&attempt), said, "{attempt}");
    }
}

fn nothing_gets_out(folder: &Path) {
    let server = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = server.local_addr().expect("an address");
    let local = folder.join("socket");
    let _server = UnixListener::bind(&local).expect("bound");
    for arguments in [&[][..], &["keep".to_owned()]] {
        let mut confined = Confined::start(arguments).expect("it was possible before");
        for (attempt, said) in [
            ("run /bin/true".to_owned(), REFUSED),
            (format!("connect {address}"), REFUSED),
            (format!("connect-local {}", local.display()), REFUSED),
            ("datagram".to_owned(), REFUSED),
            ("signal".to_owned(), REFUSED),
            ("wake".to_owned(), "ok"),
        ] {
            assert_eq!(confined.attempt(&attempt), said, "{attempt} {arguments:?}");
        }
    }
}

fn root_becomes_the_user(folder: &Path) {
    let (mine, theirs) = (folder.join("mine"), folder.join("theirs"));
    for (file, owner) in [(&mine, 65534), (&theirs, 0)] {
        fs::write(file, "").expect("written");
        fs::set_permissions(file, PermissionsExt::from_mode(0o600)).expect("changed");
        chown(file, Some(owner), Some(owner)).expect("changed");
    }
    let (mine, theirs) = (mine.display(), theirs.display());
    let arguments = [format!("user={NOBODY}"), format!("read={mine}"), format!("read={theirs}")];
    let mut confined = Confined::start(&arguments).expect("it was possible before");
    assert_eq!(confined.attempt(&format!("read {mine}")), "ok");
    assert_eq!(confined.attempt(&format!("read {theirs}")), DENIED);
    let status = confined.status();
    for ids in ["Uid", "Gid"] {
        assert_eq!(status[ids], "65534\t65534\t65534\t65534");
    }
    assert_eq!(status["Groups"], "65534");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], NONE, "{set}");
    }
    assert_eq!((status["NoNewPrivs"].as_str(), status["Seccomp"].as_str()), ("1", "2"));
}

fn one_capability(_: &Path) {
    let mut confined = Confined::start(&[format!("user={NOBODY}"), "keep".to_owned()]).expect("it was possible before");
    let status = confined.status();
    assert_eq!(status["CapEff"], NET_RAW);
    assert_eq!(status["CapPrm"], NET_RAW);
    assert_eq!(status["CapBnd"], NONE);
    assert_eq!(confined.attempt("listen lo"), "ok");
    assert_eq!(confined.attempt("list /sys/class/net/lo"), "ok");
    let mut confined = Confined::start(&[format!("user={NOBODY}")]).expect("it was possible before");
    assert_ne!(confined.attempt("listen lo"), "ok");
}

fn nothing_is_sent(_: &Path) {
    let arguments = [format!("user={NOBODY}"), "keep".to_owned(), "open=lo".to_owned()];
    let mut confined = Confined::start(&arguments).expect("it was possible before");
    let said = confined.attempt("send");
    assert!(said.contains("Operation not permitted"), "{said}");
    assert_eq!(confined.attempt("copy-descriptor"), REFUSED);
}

fn root_keeps_reading(folder: &Path) {
    let theirs = folder.join("theirs");
    fs::write(&theirs, "").expect("written");
    fs::set_permissions(&theirs, PermissionsExt::from_mode(0o600)).expect("changed");
    chown(&theirs, Some(65534), Some(65534)).expect("changed");
    let mut confined = Confined::start(&[format!("read={}", theirs.display())]).expect("it was possible before");
    assert_eq!(confined.attempt(&format!("read {}", theirs.display())), "ok");
    assert_eq!(confined.status()["CapEff"], READ_SEARCH);
}

/// This program again, confined.
struct Confined {
    child: Child,
    attempts: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Confined {
    /// `None`, and it is said why, where the kernel cannot do all of it.
    fn start(arguments: &[String]) -> Option<Self> {
        let this = std::env::current_exe().expect("this program");
        let mut child = Command::new(this)
            .arg(ROLE)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut confined = Self { attempts: child.stdin.take(), child, answers };
        let said = confined.answer();
        if let Some(lacking) = said.strip_prefix(LACKING) {
            println!("tests of the sandbox skipped: not in force here:{lacking}");
            return None;
        }
        assert!(said.starts_with("confined: "), "{arguments:?}: {said}");
        Some(confined)
    }

    fn attempt(&mut self, attempt: &str) -> String {
        writeln!(self.attempts.as_mut().expect("open"), "{attempt}").expect("it listens");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    }

    /// What the kernel says about it.
    fn status(&self) -> BTreeMap<String, String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it is there");
        let pairs = status.lines().filter_map(|line| line.split_once(':'));
        pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        // It ends with its input.
        self.attempts = None;
        let _ = self.child.wait();
    }
}

fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).expect("changed");
}
