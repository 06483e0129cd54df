//! Gives up what the process does not need, before it looks at hostile bytes.
//!
//! [`enter`] is called once: after interfaces and outputs are open, before any thread is started. From
//! then on the process runs as the user that was asked for, without capabilities (or with `CAP_NET_RAW`
//! alone), can gain none, sees only the files of its [`Plan`] (Landlock) and can neither start a program
//! nor reach the network (seccomp). Threads that are started later inherit all of it.
//!
//! Kernels and containers differ in what they offer. What is missing is told in [`InForce`] and is an
//! error only for [`Mode::Require`]. A user that cannot be changed to is an error always.

use std::fmt;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod identity;
#[cfg(target_os = "linux")]
mod linux;

/// What the process still needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files and directories (with all below) that are opened for reading later. What does not exist
    /// is passed over.
    pub read: Vec<PathBuf>,
    /// Directories in which files are created, written and replaced later, and single files that are
    /// written.
    pub write: Vec<PathBuf>,
    /// Whom to become: `NAME`, `UID`, `NAME:GROUP`, `UID:GID`. Without a group: the user's own groups.
    pub user: Option<String>,
    /// Interfaces are opened again later: `CAP_NET_RAW` is kept.
    pub keep_capture: bool,
    /// File descriptors of the open interfaces: nothing can be sent through them any more.
    pub capture: Vec<i32>,
    /// How much of it must succeed.
    pub mode: Mode,
}

/// How much of the confinement must succeed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// What the kernel offers.
    #[default]
    Auto,
    /// The change of user alone.
    Off,
    /// All of it.
    Require,
}

/// What holds from now on, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// What holds, a phrase each.
    pub held: Vec<String>,
    /// What does not, and why: a phrase each.
    pub lacking: Vec<String>,
}

impl fmt::Display for InForce {
    /// One line for the operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held.as_slice() {
            [] => f.write_str("not confined")?,
            held => write!(f, "confined: {}", held.join(", "))?,
        }
        if !self.lacking.is_empty() {
            write!(f, "; not in force: {}", self.lacking.join(", "))?;
        }
        Ok(())
    }
}

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// `user` does not name anybody, or not somebody this process may become.
    #[error("cannot become {user}: {why}")]
    User {
        /// As it was typed.
        user: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Threads are there already, which would stay as they are.
    #[error("cannot confine a process that has {0} threads")]
    Threads(usize),
    /// Everything was required, and this is missing.
    #[error("the sandbox is required, and this is not in force: {}", .0.join(", "))]
    Lacking(Vec<String>),
}

/// Gives up everything `plan` does not name. There is no way back, not even after an error.
pub fn enter(plan: &Plan) -> Result<InForce, SandboxError> {
    let in_force = confine(plan)?;
    if plan.mode == Mode::Require && !in_force.lacking.is_empty() {
        return Err(SandboxError::Lacking(in_force.lacking));
    }
    Ok(in_force)
}

#[cfg(target_os = "linux")]
use linux::confine;

#[cfg(not(target_os = "linux"))]
fn confine(plan: &Plan) -> Result<InForce, SandboxError> {
    if let Some(user) = &plan.user {
        let why = "changing the user is supported on Linux only".to_owned();
        return Err(SandboxError::User { user: user.clone(), why });
    }
    let lacking = match plan.mode {
        Mode::Off => Vec::new(),
        Mode::Auto | Mode::Require => vec!["the sandbox (there is one for Linux only)".to_owned()],
    };
    Ok(InForce { held: Vec::new(), lacking })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_and_what_does_not_is_one_line() {
        let mut in_force = InForce::default();
        assert_eq!(in_force.to_string(), "not confined");
        in_force.held = vec!["no capabilities".to_owned(), "no new privileges".to_owned()];
        assert_eq!(in_force.to_string(), "confined: no capabilities, no new privileges");
        in_force.lacking.push("files (this kernel has no Landlock)".to_owned());
        let said = "confined: no capabilities, no new privileges; not in force: files (this kernel has no Landlock)";
        assert_eq!(in_force.to_string(), said);
    }

    #[test]
    fn somebody_unknown_cannot_be_become() {
        let plan = Plan { user: Some("no-such-user-here".to_owned()), mode: Mode::Off, ..Plan::default() };
        let error = enter(&plan).unwrap_err().to_string();
        assert!(error.starts_with("cannot become no-such-user-here: "), "{error}");
    }
}
