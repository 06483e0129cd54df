//! Which capabilities stay.

use caps::{CapSet, Capability, CapsHashSet};
use nix::unistd::Uid;

use super::Plan;

/// What `plan` needs. Root that stays root may go on reading and writing what others own, as far as
/// Landlock lets it.
pub(super) fn needed(plan: &Plan, changed: bool) -> CapsHashSet {
    let mut kept = CapsHashSet::new();
    if plan.keep_capture {
        kept.insert(Capability::CAP_NET_RAW);
    }
    if !changed && Uid::effective().is_root() {
        if !plan.read.is_empty() {
            kept.insert(Capability::CAP_DAC_READ_SEARCH);
        }
        if !plan.write.is_empty() {
            kept.insert(Capability::CAP_DAC_OVERRIDE);
        }
    }
    kept
}

/// Empties the bounding set as far as this is permitted. It limits what a program that is started may
/// gain, which `no_new_privs` forbids anyway: where it cannot be emptied, nothing is lost.
pub(super) fn bound() {
    for capability in caps::read(None, CapSet::Bounding).unwrap_or_default() {
        let _ = caps::drop(None, CapSet::Bounding, capability);
    }
}

/// Keeps of `kept` what the process has, and nothing else.
pub(super) fn reduce(kept: &CapsHashSet) -> Result<String, String> {
    bound();
    set(kept).map_err(|error| format!("fewer capabilities ({error})"))
}

fn set(kept: &CapsHashSet) -> Result<String, caps::errors::CapsError> {
    let permitted = caps::read(None, CapSet::Permitted)?;
    let kept: CapsHashSet = kept.intersection(&permitted).copied().collect();
    // Ambient capabilities go when they leave the inheritable set. What is effective must be permitted.
    caps::clear(None, CapSet::Inheritable)?;
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    let mut names: Vec<String> = kept.iter().map(ToString::to_string).collect();
    names.sort_unstable();
    Ok(match names.as_slice() {
        [] => "no capabilities".to_owned(),
        names => format!("no capabilities but {}", names.join(" and ")),
    })
}
