//! The whole program against real captures, and the rules the source tree itself must keep.
//!
//! * `architecture`: imports go one way, modules stay small.
//! * `cli`: what the command line accepts and says.
//! * `confined`: `read` gives up what it does not need (`tests/sandbox/` tries the sandbox from inside).
//! * `fixtures`: every capture of `fixtures/` says what its truth file says, nothing more, for any
//!   number of workers and any cut of the file, and without a secret in sight.
//! * `frames`: every packet is read and numbered as others number it.
//! * `cuts`: delivered byte by byte, every conversation says the same.
//! * `encapsulation`: what a conversation is wrapped in makes no difference.
//! * `hostile`: damaged captures do no harm.
//! * `probes`: no two protocols claim the same conversation.
//! * `saved`: packed, cut, shuffled or written by two taps, a capture says the same.

// Tests fail by panicking, and JSON values are looked into by index.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::expect_used, clippy::print_stderr)]

mod architecture;
mod cli;
#[cfg(target_os = "linux")]
mod confined;
mod cuts;
mod encapsulation;
mod fixtures;
mod frames;
mod hostile;
#[cfg(all(feature = "live", target_os = "linux"))]
mod live;
mod mistakes;
mod probes;
mod saved;
mod support;
