#include "holdfast/daemon/sandbox.h"

#include <seccomp.h>

#include <array>
#include <cerrno>
#include <memory>

namespace holdfast::daemon {
namespace {

constexpr std::array kRefused = {
    // Run programs.
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    // Put code into the kernel.
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    // Trace or rewrite others. Never while we hold their events anyway.
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    // Change the machine.
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    // Keys.
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
};

}  // namespace

Result<void> enter_sandbox() {
  const std::unique_ptr<void, decltype(&::seccomp_release)> filter(::seccomp_init(SCMP_ACT_ALLOW), &::seccomp_release);
  if (!filter) return Error{ENOMEM, "make a seccomp filter"};
  if (const int failed = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1); failed < 0) {
    return errno_error(-failed, "put every thread under the seccomp filter");
  }
  for (const int call : kRefused) {
    // A call that this architecture does not have (iopl on arm64) needs no rule.
    if (call < 0) continue;
    if (const int failed = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0); failed < 0) {
      return errno_error(-failed, "add a rule to the seccomp filter");
    }
  }
  if (const int failed = ::seccomp_load(filter.get()); failed < 0)
    return errno_error(-failed, "load the seccomp filter");
  return {};
}

}  // namespace holdfast::daemon
