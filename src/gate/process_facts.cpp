#include "holdfast/gate/process_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostAncestors = 32;
constexpr unsigned kConsoleMajor = 4;
constexpr unsigned kFirstPtsMajor = 136;
constexpr unsigned kLastPtsMajor = 143;
constexpr unsigned kPtsPerMajor = 256;

std::string tty_name(int device) {
  if (device == 0) return {};
  const auto number = static_cast<dev_t>(static_cast<unsigned>(device));
  const unsigned major_number = ::major(number);
  const unsigned minor_number = ::minor(number);
  if (major_number >= kFirstPtsMajor && major_number <= kLastPtsMajor) {
    return fmt::format("pts/{}", (major_number - kFirstPtsMajor) * kPtsPerMajor + minor_number);
  }
  if (major_number == kConsoleMajor) return fmt::format("tty{}", minor_number);
  return fmt::format("{}:{}", major_number, minor_number);
}

/// Our own, which we never leave.
const Surroundings& host_surroundings() {
  static const auto host = surroundings_of(UniqueFd(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC)).get());
  return host;
}

bool is_outside(const Surroundings& ancestor, const Surroundings& inside) {
  if (ancestor.root_device != inside.root_device) return true;
  const Surroundings& host = host_surroundings();
  return ancestor.pid_namespace == host.pid_namespace && inside.pid_namespace != host.pid_namespace;
}

}  // namespace

Surroundings surroundings_of(int proc_dir) {
  Surroundings found;
  struct stat st {};
  if (kernel::stat_without_asking(proc_dir, "root", st)) found.root_device = st.st_dev;
  if (const auto inode = kernel::namespace_inode(proc_dir, "pid")) found.pid_namespace = *inode;
  return found;
}

alert::ProcessInfo describe_process(int proc_dir, pid_t pid) {
  alert::ProcessInfo info;
  info.pid = pid;
  if (auto exe = kernel::read_link_at(proc_dir, "exe")) info.exe = std::move(*exe);
  if (auto cwd = kernel::read_link_at(proc_dir, "cwd")) info.cwd = std::move(*cwd);
  info.cmdline = kernel::read_cmdline(proc_dir);
  if (const auto status = kernel::read_status(proc_dir)) {
    info.ppid = status->ppid;
    info.uid = status->uid;
    info.gid = status->gid;
    info.tty = tty_name(status->tty);
    info.started = Wall::now() - kernel::time_since_start(status->start_ticks);
  }
  return info;
}

std::vector<alert::ProcessInfo> describe_ancestors(int proc_dir, pid_t parent, pid_t last) {
  return describe_ancestors(surroundings_of(proc_dir), parent, last);
}

std::vector<alert::ProcessInfo> describe_ancestors(const Surroundings& inside, pid_t parent, pid_t last) {
  std::vector<alert::ProcessInfo> ancestors;
  while (parent > 1 && ancestors.size() < kMostAncestors) {
    const auto proc = kernel::open_proc(parent);
    if (!proc || is_outside(surroundings_of(proc->get()), inside)) break;
    alert::ProcessInfo info;
    info.pid = parent;
    if (auto exe = kernel::read_link_at(proc->get(), "exe")) info.exe = std::move(*exe);
    info.cmdline = kernel::read_cmdline(proc->get());
    ancestors.push_back(std::move(info));
    if (parent == last) break;
    const auto next = kernel::read_parent(proc->get());
    if (!next) break;
    parent = *next;
  }
  return ancestors;
}

}  // namespace holdfast::gate
