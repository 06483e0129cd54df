//! seccomp: which system calls fail with `EPERM` from now on.
//!
//! A list of what is forbidden, not of what is allowed: the C library decides which calls stand behind
//! an allocation or a thread, and another version of it must not stop a capture that has been running
//! for weeks. Forbidden is what would make somebody who took over the process more than its user:
//! starting programs, reaching others over the network, other processes, executable memory, and the
//! parts of the kernel that were attacked most often. (`packaging/plainsight.service` adds systemd's
//! list of what is allowed.)

use std::collections::BTreeMap;
use std::env;

use libc::c_long;
use seccompiler::{
    SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::Plan;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Forbids, for all threads.
pub(super) fn restrict(plan: &Plan) -> Result<String, String> {
    let failed = |why: String| format!("fewer system calls ({why})");
    let arch = TargetArch::try_from(env::consts::ARCH)
        .map_err(|_| failed(format!("there is no list for {}", env::consts::ARCH)))?;
    let refused = forbidden(plan).map_err(|error| failed(error.to_string()))?;
    // Its flags lie in memory, where a filter cannot look. The C library falls back to clone(2).
    let unknown = Rules::from([(libc::SYS_clone3, Vec::new())]);
    for (rules, errno) in [(refused, libc::EPERM), (unknown, libc::ENOSYS)] {
        install(rules, errno, arch).map_err(|error| failed(error.to_string()))?;
    }
    Ok("no programs, no connections, nothing sent (seccomp)".to_owned())
}

fn install(rules: Rules, errno: i32, arch: TargetArch) -> Result<(), seccompiler::Error> {
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    seccompiler::apply_filter_all_threads(&program)
}

/// Forbidden whatever the arguments.
const ALWAYS: &[c_long] = &[
    // Programs. There is none that plainsight starts.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_memfd_create,
    // Other processes.
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_tkill,
    // Others on the network, and sending without a descriptor that could be looked at.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_vmsplice,
    // Ways around this list, and what of the kernel is attacked first.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    libc::SYS_shmat,
    // The machine.
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_load,
    libc::SYS_nfsservctl,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // Mounts and namespaces.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mknodat,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // Identity: it is what it shall be.
    libc::SYS_capset,
    libc::SYS_setfsgid,
    libc::SYS_setfsuid,
    libc::SYS_setgid,
    libc::SYS_setgroups,
    libc::SYS_setregid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setreuid,
    libc::SYS_setuid,
];

/// The same, where the architecture has these older calls.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_kexec_file_load,
    libc::SYS_mknod,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// Puts a call of the x32 interface beside that of x86-64 (`__X32_SYSCALL_BIT`): the same calls by
/// other numbers.
const X32: c_long = 0x4000_0000;

/// Calls that only x32 has: all that takes pointers to pointers, `execve` among them.
const X32_ONLY: std::ops::RangeInclusive<c_long> = 512..=547;

fn forbidden(plan: &Plan) -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    for &call in ALWAYS.iter().chain(OLDER) {
        rules.insert(call, Vec::new());
    }
    let own = u64::from(std::process::id());
    // A program may signal itself, as it does to end by a signal.
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        rules.insert(call, vec![all([(0, Op::Ne, own)])?]);
    }
    // Threads, but no processes.
    let thread = libc::CLONE_THREAD as u64;
    rules.insert(libc::SYS_clone, vec![all([(0, Op::MaskedEq(thread), 0)])?]);
    // No memory becomes executable.
    let executable = libc::PROT_EXEC as u64;
    for call in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(call, vec![all([(2, Op::MaskedEq(executable), executable)])?]);
    }
    // No keystrokes for the terminal.
    rules.insert(libc::SYS_ioctl, vec![all([(1, Op::Eq, libc::TIOCSTI)])?, all([(1, Op::Eq, libc::TIOCLINUX)])?]);
    sockets(&mut rules, plan)?;
    if cfg!(target_arch = "x86_64") {
        let twins: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(twins);
        rules.extend(X32_ONLY.map(|call| (call | X32, Vec::new())));
    }
    Ok(rules)
}

/// Nothing is sent: neither by new sockets nor through the interfaces that are open.
fn sockets(rules: &mut Rules, plan: &Plan) -> Result<(), seccompiler::BackendError> {
    if plan.keep_capture {
        // What an interface is opened with, and asked with about itself.
        let kinds = [libc::AF_PACKET, libc::AF_NETLINK, libc::AF_UNIX];
        rules.insert(libc::SYS_socket, vec![all(kinds.map(|kind| (0, Op::Ne, kind as u64)))?]);
    } else {
        rules.insert(libc::SYS_socket, Vec::new());
        rules.insert(libc::SYS_bind, Vec::new());
    }
    // A pair of sockets, such as wakes a thread, is written to without an address.
    let mut sendto = vec![of_size(Len::Qword, [(4, Op::Ne, 0)])?];
    let ring = [(1, Op::Eq, libc::SOL_PACKET as u64), (2, Op::Eq, libc::PACKET_TX_RING as u64)];
    rules.insert(libc::SYS_setsockopt, vec![all(ring)?]);
    let through = |argument: u8, fd: i32| all([(argument, Op::Eq, u64::from(fd.unsigned_abs()))]);
    let writes = [libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64, libc::SYS_pwritev, libc::SYS_pwritev2];
    let copies = [libc::SYS_dup, libc::SYS_dup3, libc::SYS_sendfile];
    for &fd in &plan.capture {
        for call in writes.into_iter().chain(copies) {
            rules.entry(call).or_default().push(through(0, fd)?);
        }
        #[cfg(target_arch = "x86_64")]
        rules.entry(libc::SYS_dup2).or_default().push(through(0, fd)?);
        for command in [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC] {
            let copy = [(0, Op::Eq, u64::from(fd.unsigned_abs())), (1, Op::Eq, command as u64)];
            rules.entry(libc::SYS_fcntl).or_default().push(all(copy)?);
        }
        sendto.push(through(0, fd)?);
    }
    rules.insert(libc::SYS_sendto, sendto);
    Ok(())
}

/// All of these hold for the lower 32 bits of the arguments, which is what the kernel takes of them.
fn all<const N: usize>(conditions: [(u8, Op, u64); N]) -> Result<SeccompRule, seccompiler::BackendError> {
    of_size(Len::Dword, conditions)
}

fn of_size<const N: usize>(
    length: Len,
    conditions: [(u8, Op, u64); N],
) -> Result<SeccompRule, seccompiler::BackendError> {
    let conditions =
        conditions.into_iter().map(|(argument, op, value)| SeccompCondition::new(argument, length.clone(), op, value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}
