#include "allowed_calls.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

namespace holdfast::daemon {
namespace {

// Younger than the libseccomp of some distributions; the number is the same on every architecture.
constexpr int kStatmount = 457;

/// Memory, threads and their waiting: what any C++ program does. clone(2), mmap(2) and mprotect(2) are below.
constexpr std::array kProcess = {
    SCMP_SYS(brk),        SCMP_SYS(munmap),          SCMP_SYS(mremap),          SCMP_SYS(madvise),
    SCMP_SYS(mincore),    SCMP_SYS(mlock),           SCMP_SYS(munlock),         SCMP_SYS(membarrier),
    SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),       SCMP_SYS(futex),           SCMP_SYS(futex_waitv),     SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(wait4),           SCMP_SYS(waitid),          SCMP_SYS(restart_syscall),
    SCMP_SYS(prctl),      SCMP_SYS(seccomp),         SCMP_SYS(getrandom),       SCMP_SYS(uname),
    SCMP_SYS(sysinfo),    SCMP_SYS(getrlimit),       SCMP_SYS(setrlimit),       SCMP_SYS(prlimit64),
    SCMP_SYS(getrusage),  SCMP_SYS(times),           SCMP_SYS(getcpu),
};

/// Who we are; capset(2) can only take away.
constexpr std::array kIdentity = {
    SCMP_SYS(getpid),    SCMP_SYS(gettid),    SCMP_SYS(getppid),   SCMP_SYS(getpgid), SCMP_SYS(getpgrp),
    SCMP_SYS(getsid),    SCMP_SYS(getuid),    SCMP_SYS(geteuid),   SCMP_SYS(getgid),  SCMP_SYS(getegid),
    SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups), SCMP_SYS(capget),  SCMP_SYS(capset),
};

/// The net's readers come before everybody else, captures and reports after.
constexpr std::array kScheduling = {
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_setparam),
    SCMP_SYS(sched_getattr),
    SCMP_SYS(sched_setattr),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(getpriority),
    SCMP_SYS(setpriority),
    SCMP_SYS(ioprio_get),
    SCMP_SYS(ioprio_set),
};

constexpr std::array kTime = {
    SCMP_SYS(clock_gettime),  SCMP_SYS(clock_getres),    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),      SCMP_SYS(gettimeofday),    SCMP_SYS(time),
    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
};

/// Signals of our own, and those that Action=kill and the net send.
constexpr std::array kSignals = {
    SCMP_SYS(rt_sigaction),    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigsuspend),  SCMP_SYS(rt_sigpending),
    SCMP_SYS(sigaltstack),     SCMP_SYS(signalfd),       SCMP_SYS(signalfd4),
    SCMP_SYS(pause),           SCMP_SYS(kill),           SCMP_SYS(tkill),
    SCMP_SYS(tgkill),          SCMP_SYS(pidfd_open),     SCMP_SYS(pidfd_send_signal),
};

/// Reading what is executed, layers, /proc and configuration; leases.
constexpr std::array kReading = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(chdir),
    SCMP_SYS(fchdir),
    SCMP_SYS(getxattr),
    SCMP_SYS(lgetxattr),
    SCMP_SYS(fgetxattr),
    SCMP_SYS(listxattr),
    SCMP_SYS(llistxattr),
    SCMP_SYS(flistxattr),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(ioctl),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fadvise64),
    SCMP_SYS(readahead),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),  // a changed file of an upper layer, by its event
};

/// The database, alerts as files, copies of evidence, the control socket, sysctls of a PID namespace, freezing a
/// cgroup.
constexpr std::array kWriting = {
    SCMP_SYS(write),           SCMP_SYS(writev),          SCMP_SYS(pwrite64),  SCMP_SYS(pwritev),
    SCMP_SYS(pwritev2),        SCMP_SYS(fsync),           SCMP_SYS(fdatasync), SCMP_SYS(syncfs),
    SCMP_SYS(sync_file_range), SCMP_SYS(ftruncate),       SCMP_SYS(fallocate), SCMP_SYS(rename),
    SCMP_SYS(renameat),        SCMP_SYS(renameat2),       SCMP_SYS(unlink),    SCMP_SYS(unlinkat),
    SCMP_SYS(mkdir),           SCMP_SYS(mkdirat),         SCMP_SYS(rmdir),     SCMP_SYS(link),
    SCMP_SYS(linkat),          SCMP_SYS(chmod),           SCMP_SYS(fchmod),    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),           SCMP_SYS(fchown),          SCMP_SYS(fchownat),  SCMP_SYS(umask),
    SCMP_SYS(utimensat),       SCMP_SYS(copy_file_range), SCMP_SYS(sendfile),  SCMP_SYS(memfd_create),
};

/// Being asked and told: the gate, mount events, unmounts, replaced runtimes.
constexpr std::array kEvents = {
    SCMP_SYS(fanotify_init),
    SCMP_SYS(fanotify_mark),
    SCMP_SYS(inotify_init),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
};

/// Image views: detached mounts, and mount namespaces of a thread of its own. unshare(2) and setns(2) are below.
constexpr std::array kMounts = {
    SCMP_SYS(fsopen),        SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(open_tree),
    SCMP_SYS(mount_setattr), SCMP_SYS(mount),    SCMP_SYS(umount2), kStatmount,
};

/// The control socket, the journal, the service manager, the proc connector. socket(2) is below.
constexpr std::array kSockets = {
    SCMP_SYS(bind),     SCMP_SYS(listen),      SCMP_SYS(accept),      SCMP_SYS(accept4),    SCMP_SYS(connect),
    SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    SCMP_SYS(sendto),   SCMP_SYS(sendmsg),     SCMP_SYS(sendmmsg),    SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg), SCMP_SYS(socketpair),
};

constexpr std::array kAllowed = {
    AllowedCalls{"process", kProcess}, AllowedCalls{"identity", kIdentity}, AllowedCalls{"scheduling", kScheduling},
    AllowedCalls{"time", kTime},       AllowedCalls{"signals", kSignals},   AllowedCalls{"reading", kReading},
    AllowedCalls{"writing", kWriting}, AllowedCalls{"events", kEvents},     AllowedCalls{"mounts", kMounts},
    AllowedCalls{"sockets", kSockets},
};

constexpr std::uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                         CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */;
constexpr std::uint64_t kUnsharable = CLONE_FS | CLONE_FILES | CLONE_NEWNS;

/// `argument`, without the bits of `ignored`, is `value`.
constexpr scmp_arg_cmp is(unsigned argument, std::uint64_t ignored, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, ~ignored, value};
}
/// None of these bits is set in `argument`.
constexpr scmp_arg_cmp none_of(unsigned argument, std::uint64_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}

constexpr std::array kAllowedIf = {
    // Threads, and the child that sets a sysctl in another PID namespace; no new namespaces.
    AllowedIf{SCMP_SYS(clone), none_of(0, kNewNamespaces)},
    // A thread's own root, descriptors and mount namespace (mount_api.cpp, pid_namespace.cpp).
    AllowedIf{SCMP_SYS(unshare), none_of(0, ~kUnsharable)},
    // The mounter's mount namespace for its layers, the container's PID namespace for its sysctl.
    AllowedIf{SCMP_SYS(setns), is(1, 0, CLONE_NEWNS)},
    AllowedIf{SCMP_SYS(setns), is(1, 0, CLONE_NEWPID)},
    // No new code: what is needed is loaded by now.
    AllowedIf{SCMP_SYS(mmap), none_of(2, PROT_EXEC)},
    AllowedIf{SCMP_SYS(mprotect), none_of(2, PROT_EXEC)},
    AllowedIf{SCMP_SYS(socket), is(0, 0, AF_UNIX)},
    AllowedIf{SCMP_SYS(socket), is(0, 0, AF_NETLINK)},
};

}  // namespace

std::span<const AllowedCalls> allowed_calls() { return kAllowed; }
std::span<const AllowedIf> allowed_if() { return kAllowedIf; }

}  // namespace holdfast::daemon
