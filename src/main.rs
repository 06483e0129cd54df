//! The `plainsight` command.

use std::process::ExitCode;

/// Batches of packets are allocated by one thread and freed by another, which costs the C library's allocator a
/// twelfth of all time with web traffic, and more with many small connections.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    plainsight::cli::main()
}
