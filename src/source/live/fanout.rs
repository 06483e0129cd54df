//! Shares an interface's packets among several captures: `PACKET_FANOUT` of packet(7).
//!
//! The one place with `unsafe`: no crate wraps this socket option.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Adds a capture to the group of its interface. The kernel spreads packets over a group by a hash of
/// addresses and ports that is the same for both directions, and puts fragments together before.
///
/// Captures join in the order of their lanes: then the lanes of several interfaces hold the same
/// connections, and the two directions of a link tapped apart meet.
pub(super) fn join(socket: BorrowedFd<'_>, interface: u32) -> io::Result<()> {
    // A group belongs to this process and interface; the number is sixteen bits wide.
    let group = (std::process::id().wrapping_mul(31).wrapping_add(interface)) & 0xffff;
    let kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
    set(socket, libc::PACKET_FANOUT, group | kind << 16)
}

#[expect(unsafe_code, reason = "setsockopt takes a pointer")]
fn set(socket: BorrowedFd<'_>, option: libc::c_int, value: u32) -> io::Result<()> {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the descriptor is open for as long as it is borrowed; the pointer and the length are those
    // of a local that lives through the call, of which the kernel keeps a copy.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, std::ptr::from_ref(&value).cast(), length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_no_capture_is_refused() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(join(socket.as_fd(), 0).is_err());
    }
}
