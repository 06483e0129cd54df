//! `--user` and `--sandbox`, for the commands that look at hostile bytes.

use anyhow::{Context as _, Result};

use crate::sandbox::{self, InForce, Mode, Plan};

/// Where libpcap looks up the names in a filter (`port https`): a command that compiles filters once it
/// is confined needs to read them.
pub(super) const NAMES_IN_FILTERS: [&str; 5] =
    ["/etc/ethers", "/etc/hosts", "/etc/networks", "/etc/protocols", "/etc/services"];

/// What was typed.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Confinement {
    /// Become this user once everything is open (needs root)
    #[arg(long, value_name = "NAME[:GROUP]")]
    user: Option<String>,

    /// Give up files, capabilities and system calls that are not needed: as far as the kernel can, not at all, or fail
    /// where it cannot
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    sandbox: When,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum When {
    Auto,
    Off,
    Require,
}

impl Confinement {
    /// Gives up what `plan` does not name, as far as the operator wants. To be called when everything
    /// else is open and before any thread is started.
    pub(super) fn enter(&self, plan: Plan) -> Result<InForce> {
        let mode = match self.sandbox {
            When::Auto => Mode::Auto,
            When::Off => Mode::Off,
            When::Require => Mode::Require,
        };
        let user = self.user.clone();
        sandbox::enter(&Plan { user, mode, ..plan }).context("cannot give up privileges")
    }
}
