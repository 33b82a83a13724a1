#include "holdfast/kernel/pid_namespace.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/proc.h"

#ifdef __SANITIZE_THREAD__
/// clone(2) by glibc's other name. ThreadSanitizer takes clone for fork even with CLONE_VM, and what the child does for
/// us is noted in our own memory: "starting new threads after multi-threaded fork is not supported".
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);
#endif

namespace holdfast::kernel {
namespace {

#ifdef __SANITIZE_THREAD__
constexpr auto* make_child = ::__clone;
#else
constexpr auto* make_child = ::clone;
#endif

constexpr const char* kSysctl = "/proc/sys/vm/memfd_noexec";
/// A child that needs longer was stopped by somebody in its namespace.
constexpr std::chrono::seconds kPatience{1};

/// What the child has to do, and what came of it. Shared memory: plain values only.
struct Errand {
  int sysctl = -1;
  char level = '0';
  char before = '0';
  int error = 0;
};

/// Runs in the other PID namespace, on our memory, while our thread is suspended: nothing but system calls.
int do_errand(void* argument) {
  auto& errand = *static_cast<Errand*>(argument);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  bool done = ::syscall(SYS_pread64, errand.sysctl, &errand.before, 1, 0) == 1;
  if (done && errand.before != errand.level) done = ::syscall(SYS_pwrite64, errand.sysctl, &errand.level, 1, 0) == 1;
  if (!done) errand.error = errno;
  return 0;
}

bool same_namespace(int proc_dir, const char* which, ino_t inode) {
  const auto theirs = namespace_inode(proc_dir, which);
  return theirs && *theirs == inode;
}

}  // namespace

bool has_memfd_noexec() { return ::access(kSysctl, F_OK) == 0; }

bool may_trace(int proc_dir) {
  constexpr unsigned kSysPtrace = 19;  // CAP_SYS_PTRACE
  constexpr std::size_t kLimit = 65536;
  constexpr std::string_view kKey = "\nCapBnd:\t";
  const auto self = open_proc(::getpid());
  const auto ours = self ? namespace_inode(self->get(), "user") : Result<ino_t>(self.error());
  if (ours && !same_namespace(proc_dir, "user", *ours)) return false;
  // The bounding set: what it has not now it may get by executing a program.
  const auto status = read_file_at(proc_dir, "status", kLimit);
  if (!status) return false;  // gone
  const auto at = status->find(kKey);
  if (at == std::string::npos) return true;
  const char* digits = status->data() + at + kKey.size();
  std::uint64_t bounding = 0;
  const auto parsed = std::from_chars(digits, status->data() + status->size(), bounding, 16);
  return parsed.ec != std::errc() || ((bounding >> kSysPtrace) & 1U) != 0;
}

bool has_tracer(ino_t pid_namespace, pid_t except) {
  for (const pid_t pid : list_pids()) {
    if (pid == except) continue;
    const auto proc = open_proc(pid);
    if (proc && same_namespace(proc->get(), "pid", pid_namespace) && may_trace(proc->get())) return true;
  }
  return false;
}

PidNamespaces::PidNamespaces() : thread_([this] { run(); }) {}

PidNamespaces::~PidNamespaces() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Result<int> PidNamespaces::set_memfd_noexec(int pid_namespace, int level) {
  const std::lock_guard turn(turn_);
  std::unique_lock lock(mutex_);
  answer_.reset();
  order_ = Order{pid_namespace, level};
  changed_.notify_all();
  while (!changed_.wait_for(lock, kPatience, [&] { return answer_.has_value(); })) kill_child();
  return *answer_;
}

void PidNamespaces::run() {
  // The child inherits both: no signal's handler may run on our memory, and no descriptor of ours, least of all the
  // fanotify group's, may be kept open by somebody who stops the child while we end.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  constexpr unsigned kFirst = 3;
  const bool alone = ::syscall(SYS_close_range, kFirst, ~0U, CLOSE_RANGE_UNSHARE) == 0;
  const int failed = errno;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || order_; });
    if (ending_) return;
    const Order order = *order_;
    order_.reset();
    lock.unlock();
    auto answer = alone ? carry_out(order) : errno_error(failed, "give a thread its own descriptors");
    lock.lock();
    answer_ = std::move(answer);
    changed_.notify_all();
  }
}

/// setns(2) with CLONE_NEWPID concerns the children that this thread has from then on, nothing else.
Result<int> PidNamespaces::carry_out(const Order& order) {
  // The caller waits with its descriptor, in the table of the thread group's leader.
  const UniqueFd theirs(::open(fmt::format("/proc/self/fd/{}", order.pid_namespace).c_str(), O_RDONLY | O_CLOEXEC));
  if (!theirs) return errno_error("open a PID namespace");
  const UniqueFd ours(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (!ours) return errno_error("open our own PID namespace");
  const UniqueFd sysctl(::open(kSysctl, O_RDWR | O_CLOEXEC));
  if (!sysctl) return errno_error(fmt::format("open {}", kSysctl));
  if (::setns(theirs.get(), CLONE_NEWPID) != 0) return errno_error("join a PID namespace");
  auto done = run_child(sysctl.get(), order.level);
  if (::setns(ours.get(), CLONE_NEWPID) != 0) return errno_error("leave a PID namespace");
  return done;
}

Result<int> PidNamespaces::run_child(int sysctl, int level) {
  constexpr std::size_t kStack = 32768;
  alignas(16) std::array<std::byte, kStack> stack;
  Errand errand{sysctl, static_cast<char>('0' + level), '0', 0};
  // CLONE_VFORK: we are suspended until it has ended, so it may use our thread-local storage.
  const int made = make_child(do_errand, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID,
                              &errand, &child_);
  if (made < 0) return errno_error("start a process in a PID namespace");
  int status = 0;
  {
    const std::lock_guard lock(child_mutex_);
    while (::waitpid(made, &status, __WALL) < 0 && errno == EINTR) {
    }
    std::atomic_ref(child_).store(0);
  }
  if (WIFSIGNALED(status)) return Error{EINTR, "somebody in the PID namespace killed the process that was to set it"};
  if (errand.error != 0) return errno_error(errand.error, fmt::format("write {} to {}", level, kSysctl));
  return errand.before - '0';
}

void PidNamespaces::kill_child() {
  const std::lock_guard lock(child_mutex_);
  if (const pid_t child = std::atomic_ref(child_).load(); child > 0) ::kill(child, SIGKILL);
}

}  // namespace holdfast::kernel
