//! The order of things on Linux. Each step needs what a later one takes away.

use std::fs;

use nix::sys::prctl;

use super::{InForce, Mode, Plan, SandboxError, calls, capabilities, files, identity};

pub(super) fn confine(plan: &Plan) -> Result<InForce, SandboxError> {
    let account = plan.user.as_deref().map(identity::resolve).transpose()?;
    let mut in_force = InForce::default();
    if account.is_none() && plan.mode == Mode::Off {
        return Ok(in_force);
    }
    alone()?;
    if let Some(account) = &account {
        // The bounding set can be emptied only by those who may do everything.
        capabilities::bound();
        identity::become_user(account, plan.keep_capture)?;
        in_force.held.push(format!("user {account}"));
    }
    let kept = capabilities::needed(plan, account.is_some());
    in_force.note(capabilities::reduce(&kept));
    if let Some(account) = &account {
        identity::verify(account)?;
        in_force.lacking.extend(unwritable(plan));
    }
    if plan.mode == Mode::Off {
        return Ok(in_force);
    }
    in_force.note(match prctl::set_no_new_privs() {
        Ok(()) => Ok("no new privileges".to_owned()),
        Err(error) => Err(format!("no new privileges ({})", error.desc())),
    });
    in_force.note(files::restrict(plan));
    in_force.note(calls::restrict(plan));
    Ok(in_force)
}

impl InForce {
    fn note(&mut self, step: Result<String, String>) {
        match step {
            Ok(held) => self.held.push(held),
            Err(lacking) => self.lacking.push(lacking),
        }
    }
}

/// Capabilities and Landlock belong to a thread: others would keep what this one gives up.
fn alone() -> Result<(), SandboxError> {
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(threads) if threads > 1 => Err(SandboxError::Threads(threads)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Directories the user that the process became cannot write to: the reports could not be reopened there.
fn unwritable(plan: &Plan) -> Vec<String> {
    let closed =
        |path: &&std::path::PathBuf| nix::unistd::access(path.as_path(), nix::unistd::AccessFlags::W_OK).is_err();
    let said = |path: &std::path::PathBuf| format!("writing to {} (not this user's to write)", path.display());
    plan.write.iter().filter(closed).map(said).collect()
}
