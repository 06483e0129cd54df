//! The `plainsight` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    plainsight::cli::main()
}
