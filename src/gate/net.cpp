#include "holdfast/gate/net.h"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

#include "holdfast/kernel/file.h"
#include "holdfast/kernel/pidfd.h"
#include "holdfast/kernel/priority.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

/// How long a detect-mode notification may lag behind its execution before the gate counts as not asked.
constexpr auto kLag = std::chrono::milliseconds(100);
/// The kernel offers each fork, execution and exit on the host to every reader's filter: beyond some, that costs more
/// than it gains.
constexpr unsigned kMostReaders = 8;

unsigned reader_count() {
  const long processors = ::sysconf(_SC_NPROCESSORS_CONF);
  return std::bit_floor(std::clamp(static_cast<unsigned>(std::max(1L, processors)), 1U, kMostReaders));
}

/// What was executed unasked runs until this thread has looked at it. Its share of the processor is small whatever
/// others do, since an execution costs them a hundred times what it costs us.
void hurry(unsigned index, unsigned readers) {
  cpu_set_t own;
  CPU_ZERO(&own);
  for (unsigned cpu = index; cpu < CPU_SETSIZE; cpu += readers) CPU_SET(cpu, &own);
  (void)::sched_setaffinity(0, sizeof own, &own);
  kernel::run_before_others();
}

/// Nothing for a process that has ended. `pidfd` may be an empty one.
std::optional<ino_t> mount_namespace_of(pid_t pid, int pidfd) {
  if (pidfd >= 0) {
    if (const auto inode = kernel::mount_namespace(pidfd)) return *inode;
  }
  struct stat st {};
  if (::stat(fmt::format("/proc/{}/ns/mnt", pid).c_str(), &st) != 0) return std::nullopt;
  return st.st_ino;
}

/// Nothing for a process that has ended.
std::optional<kernel::ProcessOwner> owner_of(int pidfd, int proc_dir) {
  if (const auto owner = kernel::process_owner(pidfd)) return *owner;
  const auto status = kernel::read_status(proc_dir);
  return status ? std::optional(kernel::ProcessOwner{status->ppid, status->uid}) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Net>> Net::create(Dependencies dependencies) {
  Connectors connectors;
  std::vector<UniqueFd> wakes;
  const unsigned readers = reader_count();
  for (unsigned i = 0; i < readers; ++i) {
    auto connector = kernel::ProcConnector::open({i, readers});
    if (!connector) return connector.error();
    connectors.push_back(std::move(*connector));
  }
  for (unsigned i = 0; i <= readers; ++i) {
    wakes.emplace_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wakes.back()) return errno_error("eventfd");
  }
  const auto memfds = device_of_memfds();
  if (!memfds) return memfds.error();
  return std::unique_ptr<Net>(new Net(std::move(dependencies), std::move(connectors), std::move(wakes), *memfds));
}

Net::Net(Dependencies dependencies, Connectors connectors, std::vector<UniqueFd> wakes, dev_t memfds)
    : to_(std::move(dependencies)),
      connectors_(std::move(connectors)),
      wakes_(std::move(wakes)),
      judge_({to_.mounts, to_.counters, to_.rule_use, to_.reporter, to_.enforcer, to_.exception_facts, to_.sanctions,
              to_.deadline, memfds}) {}

Net::~Net() {
  stop_ = true;
  const std::uint64_t one = 1;
  for (const auto& wake : wakes_) (void)!::write(wake.get(), &one, sizeof one);
  for (auto& thread : threads_) thread.join();
}

void Net::start() {
  for (unsigned i = 0; i < connectors_.size(); ++i) threads_.emplace_back([this, i] { read(i); });
  threads_.emplace_back([this] { take_care(); });
}

void Net::read(unsigned index) {
  hurry(index, static_cast<unsigned>(connectors_.size()));
  const auto& connector = connectors_[index];
  kernel::ProcConnector::Batch batch;
  std::optional<Steady::time_point> lost_since;
  auto drained = Steady::now();
  while (!stop_.load(std::memory_order_relaxed)) {
    std::array<pollfd, 2> fds{pollfd{wakes_[index].get(), POLLIN, 0}, pollfd{connector.fd(), POLLIN, 0}};
    (void)::poll(fds.data(), fds.size(), -1);
    do {
      if (const auto got = connector.read(batch); !got) return to_.on_end(got.error().message);
      // Whatever was lost came after the oldest that was not.
      if (batch.lost && !lost_since) lost_since = std::max(batch.oldest.value_or(drained), drained);
      for (const pid_t pid : batch.executed) look_at(pid);
    } while (batch.more && !stop_.load(std::memory_order_relaxed));
    // Only now does the kernel deliver again what it dropped while we were behind: a scan before would miss it.
    if (lost_since) note_loss(*lost_since);
    lost_since.reset();
    drained = Steady::now();
  }
}

void Net::look_at(pid_t pid) {
  to_.counters.net_executions.fetch_add(1, std::memory_order_relaxed);
  auto execution = find_unmediated(pid);
  if (!execution) return;
  const auto& file = execution->file.st;
  const bool mediated = to_.exec_log.seen(pid, file.st_dev, file.st_ino);
  if (!mediated && !is_host_entry(*execution)) settle(*execution);
  // After the verdict, which is urgent.
  enter(execution->container, execution->proc_dir.get(), pid);
  to_.closer.close(std::move(execution->file.path));  // its program may be removed and killed by now: ours is the last
}

/// A runtime that prepares the container, or enters it, still sees the host: what is mounted there is not the
/// container's, and the gate has seen no execution there.
void Net::enter(const std::shared_ptr<container::Container>& container, int proc_dir, pid_t pid) const {
  if (container->first_pid() != 0 && !kernel::shares_our_root(proc_dir)) to_.mounts.enter(container, proc_dir, pid);
}

/// What a protected container's process runs, unless it is plain image code. Cheapest tests first; and what the file is
/// before whose process it is, since a program may have ended the next moment. A mount namespace that the process has
/// made itself shows nothing that is marked, volumes at least: that of image code is followed here.
std::optional<Unmediated> Net::find_unmediated(pid_t pid) const {
  const auto pidfd = kernel::open_pidfd(pid);
  const int process = pidfd ? pidfd->get() : -1;
  const auto space = mount_namespace_of(pid, process);
  if (!space) to_.history.note_unknown(pid);
  if (!space || *space == to_.membership.host_mount_namespace()) return std::nullopt;
  auto proc = kernel::open_proc(pid);
  struct stat exe {};
  if (!proc || !kernel::stat_without_asking(proc->get(), "exe", exe)) {
    to_.history.note_unknown(pid);
    return std::nullopt;
  }
  const auto owner = to_.registry.find(exe.st_dev);
  if (owner && AfterTheFact::is_plain_image_code(*owner, exe, proc->get())) {
    note(pid, process, proc->get(), exe, owner);
    if (!to_.mounts.follows(*owner, *space)) enter(owner, proc->get(), pid);
    return std::nullopt;
  }
  auto file = look_at_executed_file(proc->get());  // which keeps it
  if (!file) {
    to_.history.note_unknown(pid);
    return std::nullopt;
  }
  to_.forget_ended();
  auto member = to_.membership.container_of(proc->get());
  if (!member || member->mode() == policy::Mode::off) return std::nullopt;
  note(pid, process, proc->get(), file->st, member);
  if (member != owner && AfterTheFact::is_plain_image_code(*member, file->st, proc->get())) {
    if (!to_.mounts.follows(*member, *space)) enter(member, proc->get(), pid);
    return std::nullopt;
  }
  return Unmediated{pid, std::move(*proc), std::move(member), std::move(*file)};
}

/// For whoever asks later what this process ran: it may have ended by then. A few system calls, since the process
/// cannot go on meanwhile.
void Net::note(pid_t pid, int pidfd, int proc_dir, const struct stat& file,
               const std::shared_ptr<container::Container>& container) const {
  if (container->mode() == policy::Mode::off) return;
  const auto owner = owner_of(pidfd, proc_dir);
  auto exe = kernel::read_link_at(proc_dir, "exe");
  if (!owner || !exe) return;
  Program program;
  program.pid = pid;
  program.parent_pid = owner->parent;
  program.uid = owner->uid;
  program.exe = std::move(*exe);
  program.cmdline = kernel::read_cmdline(proc_dir, ExecHistory::kMostArguments);
  program.device = file.st_dev;
  program.identity = identity_of(file);
  program.container = container;
  program.at = Steady::now();
  (void)to_.history.note(std::move(program));
}

/// A process of the host's that has entered the container since it executed this (nsenter): the file is on the host's
/// own mount, and the process in the host's PID namespace.
bool Net::is_host_entry(const Unmediated& execution) const {
  const auto space = kernel::namespace_inode(execution.proc_dir.get(), "pid");
  return space && *space == to_.membership.host_pid_namespace() && is_on_host_mount(execution.file);
}

void Net::settle(const Unmediated& execution) {
  const auto& [pid, proc_dir, container, file] = execution;
  const auto status = kernel::read_status(proc_dir.get());
  if (status && !remember({pid, status->start_ticks, file.st.st_dev, file.st.st_ino}, false)) return;
  auto report = judge_.judge(execution);
  if (!report) return;
  const auto now = Steady::now();
  hold({now + kLag, now, pid, file.st.st_dev, file.st.st_ino, container, std::move(*report)});
}

}  // namespace holdfast::gate
