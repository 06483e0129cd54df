//! Becoming somebody else, for good.

use std::ffi::CString;
use std::fmt;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist, getresgid, getresuid, setgroups, setresgid, setresuid};

use super::SandboxError;

/// Whom to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    typed: String,
    uid: Uid,
    gid: Gid,
    /// All groups, `gid` among them.
    groups: Vec<Gid>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (uid {}, gid {})", self.typed, self.uid, self.gid)
    }
}

/// Looks up `NAME[:GROUP]`; both may be numbers.
pub(super) fn resolve(typed: &str) -> Result<Account, SandboxError> {
    let wrong = |why: String| SandboxError::User { user: typed.to_owned(), why };
    let failed = |error: Errno| wrong(format!("the lookup failed ({})", error.desc()));
    let (name, group) = match typed.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (typed, None),
    };
    let number = name.parse().ok().map(Uid::from_raw);
    let user = match (User::from_name(name).map_err(failed)?, number) {
        (Some(user), _) => Some(user),
        (None, Some(uid)) => User::from_uid(uid).map_err(failed)?,
        (None, None) => return Err(wrong("there is no such user".to_owned())),
    };
    let gid = match group {
        None => None,
        Some(group) => match (Group::from_name(group).map_err(failed)?, group.parse().ok()) {
            (Some(group), _) => Some(group.gid),
            (None, Some(gid)) => Some(Gid::from_raw(gid)),
            (None, None) => return Err(wrong(format!("there is no group {group}"))),
        },
    };
    let (uid, gid, groups) = match (user, number, gid) {
        // A group that was asked for stands alone.
        (Some(user), _, Some(gid)) => (user.uid, gid, vec![gid]),
        (Some(user), _, None) => {
            let name = CString::new(user.name).map_err(|_| wrong("there is no such user".to_owned()))?;
            (user.uid, user.gid, getgrouplist(&name, user.gid).map_err(failed)?)
        }
        (None, Some(uid), Some(gid)) => (uid, gid, vec![gid]),
        (None, ..) => return Err(wrong("this number has no account: give the group too, as UID:GID".to_owned())),
    };
    Ok(Account { typed: typed.to_owned(), uid, gid, groups })
}

/// Becomes `account`. With `keep`, capabilities survive for the caller to reduce.
pub(super) fn become_user(account: &Account, keep: bool) -> Result<(), SandboxError> {
    let failed = |error: Errno| {
        let why = match error {
            Errno::EPERM => "only root may change the user: start it as root, or without --user".to_owned(),
            _ => error.desc().to_owned(),
        };
        SandboxError::User { user: account.typed.clone(), why }
    };
    if is(account).map_err(failed)? {
        return Ok(());
    }
    if keep {
        prctl::set_keepcaps(true).map_err(failed)?;
    }
    setgroups(&account.groups).map_err(failed)?;
    setresgid(account.gid, account.gid, account.gid).map_err(failed)?;
    setresuid(account.uid, account.uid, account.uid).map_err(failed)?;
    if keep {
        prctl::set_keepcaps(false).map_err(failed)?;
    }
    Ok(())
}

/// Makes sure that the process is `account` and cannot become root again: only then it is safe to go on.
pub(super) fn verify(account: &Account) -> Result<(), SandboxError> {
    let back = !account.uid.is_root() && setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_ok();
    if back || is(account) != Ok(true) {
        let why = "the kernel did not change the user for good".to_owned();
        return Err(SandboxError::User { user: account.typed.clone(), why });
    }
    Ok(())
}

fn is(account: &Account) -> nix::Result<bool> {
    let (user, group) = (getresuid()?, getresgid()?);
    let users = [user.real, user.effective, user.saved];
    let groups = [group.real, group.effective, group.saved];
    Ok(users.iter().all(|uid| *uid == account.uid) && groups.iter().all(|gid| *gid == account.gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(typed: &str) -> String {
        resolve(typed).unwrap_err().to_string()
    }

    #[test]
    fn a_user_is_a_name_or_a_number_with_or_without_a_group() {
        let root = resolve("root").unwrap();
        assert_eq!((root.uid.as_raw(), root.gid.as_raw()), (0, 0));
        assert!(root.groups.contains(&root.gid));
        assert_eq!(resolve("0").unwrap().uid, root.uid);
        let numbers = resolve("4000000:4000001").unwrap();
        assert_eq!((numbers.uid.as_raw(), numbers.gid.as_raw()), (4_000_000, 4_000_001));
        assert_eq!(resolve("root:4000001").unwrap().groups, [Gid::from_raw(4_000_001)]);
    }

    #[test]
    fn who_is_nobody_is_told_so() {
        assert!(why("no-such-user").ends_with("there is no such user"));
        assert!(why("root:no-such-group").ends_with("there is no group no-such-group"));
        assert!(why("4000000").ends_with("give the group too, as UID:GID"));
    }
}
