#include "holdfast/kernel/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "holdfast/kernel/file.h"

#include "number.h"

namespace holdfast::kernel {
namespace {

constexpr std::size_t kStatusLimit = std::size_t{64} << 10;

/// The first word of a line "KEY:\tvalue …" of /proc/PID/status; KEY never starts the first line, which is Name's.
std::string_view status_word(std::string_view status, std::string_view key) {
  const auto at = status.find(fmt::format("\n{}:", key));
  if (at == std::string_view::npos) return {};
  auto rest = status.substr(at + key.size() + 2);
  rest.remove_prefix(std::min(rest.find_first_not_of("\t "), rest.size()));
  return rest.substr(0, rest.find_first_of("\t \n"));
}

struct Stat {
  std::string name, rest;  ///< of the process; what follows it
};

Result<Stat> read_stat(int proc_dir) {
  const auto stat = read_file_at(proc_dir, "stat", kStatusLimit);
  if (!stat) return stat.error();
  const auto open = stat->find('(');
  // The name may hold anything, ')' too: its end is the last one.
  const auto close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) {
    return Error{EINVAL, "/proc/PID/stat has no process name"};
  }
  return Stat{stat->substr(open + 1, close - open - 1), stat->substr(close + 1)};
}

/// Fields of /proc/PID/stat from the state (field 3) on.
std::vector<std::string_view> stat_fields(std::string_view rest) {
  std::vector<std::string_view> fields;
  while (!rest.empty()) {
    const auto space = rest.find_first_of(" \n");
    if (space != 0) fields.push_back(rest.substr(0, space));
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  return fields;
}

/// The entries of a directory that are numbers; takes the directory, which may be none.
std::vector<pid_t> numbers_in(DIR* opened) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opened, ::closedir);
  while (directory) {
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    pid_t number = 0;
    if (parse_number(std::string_view(entry->d_name), number)) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

Result<UniqueFd> open_proc(pid_t pid) {
  UniqueFd fd(::open(fmt::format("/proc/{}", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(fmt::format("open /proc/{}", pid));
  return fd;
}

std::vector<pid_t> list_pids() { return numbers_in(::opendir("/proc")); }

std::vector<pid_t> list_threads(int proc_dir) {
  UniqueFd tasks(::openat(proc_dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* const directory = tasks ? ::fdopendir(tasks.get()) : nullptr;
  if (directory != nullptr) (void)tasks.release();  // closedir(3) closes it
  return numbers_in(directory);
}

Result<std::string> read_file_at(int dir, const char* name, std::size_t limit) {
  // O_NONBLOCK: a FIFO in a hostile place must not hold us.
  const UniqueFd file(::openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file) return errno_error(fmt::format("open {}", name));
  std::string text;
  std::size_t used = 0;
  while (true) {
    if (used == text.size()) text.resize(std::min(limit + 1, std::max<std::size_t>(16384, used * 2)));
    const auto n = ::read(file.get(), text.data() + used, text.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(fmt::format("read {}", name));
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
    if (used > limit) return errno_error(EFBIG, fmt::format("read {}", name));
  }
  text.resize(used);
  return text;
}

Result<std::string> read_link_at(int dir, const char* name) {
  std::string target(512, '\0');
  while (true) {
    const auto n = ::readlinkat(dir, name, target.data(), target.size());
    if (n < 0) return errno_error(fmt::format("readlink {}", name));
    if (static_cast<std::size_t>(n) < target.size()) {
      target.resize(static_cast<std::size_t>(n));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

Result<ProcessStatus> read_status(int proc_dir) {
  const auto status = read_file_at(proc_dir, "status", kStatusLimit);
  if (!status) return status.error();
  auto stat = read_stat(proc_dir);
  if (!stat) return stat.error();
  ProcessStatus out;
  out.name = std::move(stat->name);
  const auto fields = stat_fields(stat->rest);
  constexpr std::size_t kTty = 7 - 3;
  constexpr std::size_t kStart = 22 - 3;
  if (fields.size() <= kStart || !parse_number(fields[kTty], out.tty) ||
      !parse_number(fields[kStart], out.start_ticks)) {
    return Error{EINVAL, "/proc/PID/stat has no terminal or start time"};
  }
  if (!parse_number(status_word(*status, "Tgid"), out.tgid) || !parse_number(status_word(*status, "PPid"), out.ppid) ||
      !parse_number(status_word(*status, "Uid"), out.uid) || !parse_number(status_word(*status, "Gid"), out.gid)) {
    return Error{EINVAL, "/proc/PID/status lacks Tgid, PPid, Uid or Gid"};
  }
  return out;
}

Result<pid_t> read_parent(int proc_dir) {
  const auto stat = read_stat(proc_dir);
  if (!stat) return stat.error();
  constexpr std::size_t kParent = 4 - 3;
  const auto fields = stat_fields(stat->rest);
  pid_t parent = 0;
  if (fields.size() <= kParent || !parse_number(fields[kParent], parent)) {
    return Error{EINVAL, "/proc/PID/stat has no parent"};
  }
  return parent;
}

std::vector<std::string> read_cmdline(int proc_dir, std::size_t limit) {
  std::vector<std::string> arguments;
  const UniqueFd file(::openat(proc_dir, "cmdline", O_RDONLY | O_CLOEXEC));
  if (!file) return arguments;
  std::string text(limit, '\0');
  // As much as there is comes at once (proc_pid_cmdline_read in fs/proc/base.c), and is not interrupted.
  const auto n = ::read(file.get(), text.data(), limit);
  std::string_view rest(text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  while (!rest.empty()) {
    const auto end = rest.find('\0');
    arguments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return arguments;
}

std::vector<CgroupLine> parse_cgroup(std::string_view text) {
  std::vector<CgroupLine> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    CgroupLine parsed;
    if (second == std::string_view::npos || !parse_number(line.substr(0, first), parsed.hierarchy)) continue;
    parsed.controllers = line.substr(first + 1, second - first - 1);
    parsed.path = line.substr(second + 1);
    lines.push_back(std::move(parsed));
  }
  return lines;
}

std::vector<CgroupLine> read_cgroup(int proc_dir) {
  constexpr std::size_t kLimit = std::size_t{256} << 10;
  const auto text = read_file_at(proc_dir, "cgroup", kLimit);
  return text ? parse_cgroup(*text) : std::vector<CgroupLine>{};
}

Result<ino_t> namespace_inode(int proc_dir, const char* which) {
  const auto link = fmt::format("ns/{}", which);
  struct stat st {};
  if (::fstatat(proc_dir, link.c_str(), &st, 0) != 0) return errno_error(fmt::format("stat {}", link));
  return st.st_ino;
}

ino_t own_namespace_inode(const char* which) {
  const auto self = open_proc(::getpid());
  const auto inode = self ? namespace_inode(self->get(), which) : Result<ino_t>(self.error());
  return inode ? *inode : 0;
}

bool shares_our_root(int proc_dir) {
  struct stat theirs {};
  struct stat ours {};
  return stat_without_asking(proc_dir, "root", theirs) && stat_without_asking(AT_FDCWD, "/", ours) &&
         theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

std::chrono::nanoseconds time_since_start(std::uint64_t start_ticks) {
  timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  const auto up = std::chrono::seconds(boot.tv_sec) + std::chrono::nanoseconds(boot.tv_nsec);
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return up - std::chrono::milliseconds(start_ticks * 1000 / ticks);
}

}  // namespace holdfast::kernel
