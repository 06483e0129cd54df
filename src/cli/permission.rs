//! What to do when an interface cannot be opened.

use std::env;
use std::path::{Path, PathBuf};

use super::nearest;

/// Explains to the operator why `interface` cannot be opened and what to do about it. `said`: what
/// libpcap says, which is words alone.
pub(super) fn advice(interface: &str, said: &str) -> String {
    let known: Vec<String> =
        pcap::Device::list().map(|all| all.into_iter().map(|device| device.name).collect()).unwrap_or_default();
    match Obstacle::new(interface, said, &known) {
        Obstacle::Missing => missing(interface, &known),
        Obstacle::Down => format!("{interface}: the interface is down; `sudo ip link set {interface} up` starts it"),
        Obstacle::Forbidden => format!("{interface}: not permitted to listen\n{}", how_to_be_permitted(interface)),
        Obstacle::Other => format!("{interface}: {said}"),
    }
}

/// How this program comes to be permitted to listen, one way a line.
fn how_to_be_permitted(interface: &str) -> String {
    let program =
        env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_else(|_| PathBuf::from("plainsight"));
    let hindrance = Hindrance::of(&program);
    ways(&program, interface, hindrance)
}

/// Whether libpcap says that this user may not.
pub(super) fn is_refusal(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("permi") || said.contains("cap_net_raw")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    Missing,
    Down,
    Forbidden,
    Other,
}

impl Obstacle {
    fn new(interface: &str, said: &str, known: &[String]) -> Self {
        let said = said.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let forbidden = is_refusal(&said);
        // Who may not open anything is not told whether it exists.
        let unknown = !known.is_empty() && !known.iter().any(|name| name == interface);
        match () {
            () if says(&["no such", "doesn't exist", "disappeared"]) || (forbidden && unknown) => Self::Missing,
            () if says(&["not up", "is down", "went down"]) => Self::Down,
            () if forbidden => Self::Forbidden,
            () => Self::Other,
        }
    }
}

fn missing(interface: &str, known: &[String]) -> String {
    let meant = nearest(interface, known, String::as_str).map(|name| format!("; did you mean {name}?"));
    let meant = meant.unwrap_or_else(|| "; `plainsight interfaces` shows them all".to_owned());
    format!("{interface}: no such interface{meant}")
}

/// Why giving the program's file a capability would not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hindrance {
    None,
    /// It has the capability already.
    Permitted,
    /// The process can gain none: `no_new_privs`, or a bounding set without it.
    Closed,
    /// The file system ignores capabilities of files.
    NoSuid,
}

impl Hindrance {
    #[cfg(target_os = "linux")]
    fn of(program: &Path) -> Self {
        use caps::{CapSet, Capability, has_cap};
        use nix::sys::{prctl, statvfs};
        // Where it cannot be asked for, nothing is known to be in the way.
        let lacks = |set| has_cap(None, set, Capability::CAP_NET_RAW).is_ok_and(|has| !has);
        let ignores = |stat: statvfs::Statvfs| stat.flags().contains(statvfs::FsFlags::ST_NOSUID);
        match () {
            () if !lacks(CapSet::Effective) => Self::Permitted,
            () if lacks(CapSet::Bounding) || prctl::get_no_new_privs() == Ok(true) => Self::Closed,
            () if statvfs::statvfs(program).is_ok_and(ignores) => Self::NoSuid,
            () => Self::None,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &Path) -> Self {
        Self::None
    }
}

#[cfg(target_os = "linux")]
const UNIT: &str = "packaging/plainsight.service gives it CAP_NET_RAW and nothing else";

#[cfg(target_os = "linux")]
fn ways(program: &Path, interface: &str, hindrance: Hindrance) -> String {
    /// Where a program can be given capabilities.
    const BIN: &str = "/usr/local/bin/plainsight";
    let path = quoted(program);
    match hindrance {
        Hindrance::Permitted => {
            "  It has CAP_NET_RAW, yet the kernel refuses: a container, a user namespace or a security \
             policy forbids it."
                .to_owned()
        }
        Hindrance::Closed => format!(
            "  This process can gain no privileges (a container, or a service). Give it CAP_NET_RAW from outside:\n\
             \x20 container:  --cap-add NET_RAW (and --network host to see the host's interfaces)\n\
             \x20 systemd:    AmbientCapabilities=CAP_NET_RAW; {UNIT}"
        ),
        Hindrance::NoSuid => {
            let first = format!("Capabilities of files are ignored where it lies (nosuid): sudo install {path} {BIN}");
            format!("  {first}, and then\n{}", granted(BIN, interface))
        }
        Hindrance::None => granted(&path, interface),
    }
}

/// What helps a program that can be given capabilities.
#[cfg(target_os = "linux")]
fn granted(path: &str, interface: &str) -> String {
    let give = format!("sudo setcap cap_net_raw=ep {path}");
    format!(
        "  everybody:  {give}\n\
         \x20 a group:    sudo groupadd -rf pcap; sudo chgrp pcap {path} && sudo chmod 750 {path} && {give}\n\
         \x20             then `sudo usermod -aG pcap $USER`, and log in again\n\
         \x20 a service:  {UNIT}\n\
         \x20 just now:   sudo {path} watch -i {interface} --user $USER"
    )
}

#[cfg(not(target_os = "linux"))]
fn ways(program: &Path, interface: &str, _: Hindrance) -> String {
    format!(
        "  just now:  sudo {} watch -i {interface}\n  for good:  give your user the right to read /dev/bpf*",
        quoted(program)
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacle(interface: &str, said: &str) -> Obstacle {
        Obstacle::new(interface, said, &["eth0".to_owned(), "any".to_owned()])
    }

    #[test]
    fn what_libpcap_says_is_told_apart() {
        assert_eq!(obstacle("eth0", "socket: Operation not permitted"), Obstacle::Forbidden);
        let modern = "Attempt to create packet socket failed - CAP_NET_RAW may be required";
        assert_eq!(obstacle("eth0", modern), Obstacle::Forbidden);
        assert_eq!(obstacle("eth0", "That device is not up"), Obstacle::Down);
        assert_eq!(obstacle("eth7", "No such device exists"), Obstacle::Missing);
        assert_eq!(obstacle("eth0", "That device doesn't support monitor mode"), Obstacle::Other);
    }

    #[test]
    fn who_may_not_open_anything_is_told_that_it_does_not_exist() {
        assert_eq!(obstacle("eth7", "socket: Operation not permitted"), Obstacle::Missing);
        assert_eq!(missing("ehh0", &["eth0".to_owned()]), "ehh0: no such interface; did you mean eth0?");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_line_to_type_names_the_program() {
        let said = ways(Path::new("/opt/it's here/plainsight"), "eth0", Hindrance::None);
        assert!(said.contains(r"sudo setcap cap_net_raw=ep '/opt/it'\''s here/plainsight'"), "{said}");
        let moved = ways(Path::new("/home/me/plainsight"), "eth0", Hindrance::NoSuid);
        assert!(moved.contains("sudo install /home/me/plainsight /usr/local/bin/plainsight, and then"), "{moved}");
        assert!(moved.contains("sudo setcap cap_net_raw=ep /usr/local/bin/plainsight"), "{moved}");
        let closed = ways(Path::new("/plainsight"), "eth0", Hindrance::Closed);
        assert!(closed.contains("--cap-add NET_RAW") && !closed.contains("setcap"), "{closed}");
    }
}
