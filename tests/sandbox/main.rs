//! What a confined process can and cannot do, tried from inside: this program starts itself again as the
//! process that is confined. Threads would keep what the first one gives up, so there is no test harness.
//!
//! Without root, what needs root is skipped; where the kernel has no Landlock or no seccomp, all of it.

// Tests fail by panicking.
#![allow(clippy::indexing_slicing, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod outside;

fn main() {
    #[cfg(target_os = "linux")]
    match std::env::args().nth(1).as_deref() {
        Some(inside::ROLE) => inside::main(),
        _ => outside::main(),
    }
    #[cfg(not(target_os = "linux"))]
    println!("skipped: there is a sandbox for Linux only");
}
