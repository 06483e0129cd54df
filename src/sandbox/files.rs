//! Landlock: which files can be opened from now on, and no TCP.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Plan;

/// The newest interface that is asked for. Older kernels are asked for what they have.
const NEWEST: ABI = ABI::V9;

/// What libpcap looks at when it opens an interface, and what tells how the process itself is doing.
/// Interfaces in `/sys/class/net` are links into `/sys/devices`.
const INTERFACES: [&str; 3] = ["/sys/class/net", "/sys/devices", "/proc/self"];

/// Leaves the files of `plan` and takes the others away.
pub(super) fn restrict(plan: &Plan) -> Result<String, String> {
    let status = landlock(plan).map_err(|error| format!("fewer files ({error})"))?;
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled => return Err("fewer files (Landlock is not among the kernel's lsm=)".to_owned()),
        LandlockStatus::NotImplemented => return Err("fewer files (no Landlock here: Linux 5.13 has it)".to_owned()),
    };
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("fewer files (Landlock refused)".to_owned()),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => {
            Ok(format!("no files but those named (Landlock {abi})"))
        }
    }
}

fn landlock(plan: &Plan) -> Result<RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = read | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for path in &plan.read {
        rules = allow(rules, path, read)?;
    }
    for path in &plan.write {
        rules = allow(rules, path, write)?;
    }
    if plan.keep_capture {
        for path in INTERFACES {
            rules = allow(rules, Path::new(path), read)?;
        }
    }
    rules.restrict_self()
}

/// What does not exist needs no rule; nor does a pipe without a name (`/dev/fd/63`), which Landlock lets
/// everybody open and takes no rule for.
fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    match path.canonicalize() {
        Ok(path) => rules.add_rules(path_beneath_rules([path], access)),
        Err(_) => Ok(rules),
    }
}
