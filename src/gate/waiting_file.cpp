#include "holdfast/gate/waiting_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "holdfast/kernel/elf.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

constexpr std::size_t kMostThreads = 4096;
constexpr int kMostInterpreters = 6;  // scripts of scripts, as far as the kernel goes, and an ELF interpreter
constexpr std::size_t kSyscallLimit = 512;
constexpr int kEmptyPath = AT_EMPTY_PATH;

struct Call {
  int directory = AT_FDCWD;
  std::uint64_t path = 0;
  int flags = 0;
};

/// "NUMBER 0xARG1 0xARG2 … 0xSP 0xPC" (proc(5)), of a thread that waits.
std::optional<Call> parse_call(std::string_view text) {
  std::array<std::uint64_t, 7> words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto end = text.find(' ');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view word = text.substr(0, end);
    const bool hexadecimal = word.starts_with("0x");
    const auto digits = hexadecimal ? word.substr(2) : word;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), words[i], hexadecimal ? 16 : 10);
    if (parsed.ec != std::errc{}) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  const auto directory = static_cast<int>(words[1]);
  switch (static_cast<long>(words[0])) {
    case SYS_execve:
#ifdef SYS_open
    case SYS_open:
#endif
      return Call{AT_FDCWD, words[1], 0};
    case SYS_execveat:
      return Call{directory, words[2], static_cast<int>(words[5])};
    case SYS_openat:
    case SYS_openat2:
      return Call{directory, words[2], 0};
    default:
      return std::nullopt;
  }
}

std::optional<std::string> read_string(int memory, std::uint64_t address) {
  std::string text(PATH_MAX, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    // Up to the end of a page: the next one may not be there.
    constexpr std::uint64_t kPage = 4096;
    const std::size_t part = std::min<std::size_t>(text.size() - done, kPage - (address + done) % kPage);
    const ssize_t got = ::pread(memory, text.data() + done, part, static_cast<off_t>(address + done));
    if (got <= 0) return std::nullopt;
    done += static_cast<std::size_t>(got);
    if (const auto end = text.find('\0'); end < done) return text.substr(0, end);
  }
  return std::nullopt;
}

UniqueFd open_in(int root, const std::string& path) {
  struct open_how how {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

/// How a path of one process leads to files: its root, and where relative ones begin.
class Resolver {
 public:
  explicit Resolver(int proc_dir)
      : proc_dir_(proc_dir), root_(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  [[nodiscard]] UniqueFd open(int directory, const std::string& path, int flags) const {
    if (path.starts_with('/')) return open_in(root_.get(), path);
    const std::string from = directory == AT_FDCWD ? "cwd" : fmt::format("fd/{}", directory);
    if (path.empty()) {
      if ((flags & kEmptyPath) == 0) return {};
      return UniqueFd(::openat(proc_dir_, from.c_str(), O_PATH | O_CLOEXEC));
    }
    // By the directory's own name, so that links and ".." end at the process's root and never at ours.
    const auto name = kernel::read_link_at(proc_dir_, from.c_str());
    if (!name || !name->starts_with('/')) return {};
    return open_in(root_.get(), *name + "/" + path);
  }

 private:
  const int proc_dir_;
  const UniqueFd root_;
};

/// The interpreter in a script's first line, as the kernel reads it; nothing if it is none.
std::optional<std::string> script_interpreter(int file) {
  constexpr std::size_t kLine = 256;  // BINPRM_BUF_SIZE
  std::string line(kLine, '\0');
  const ssize_t got = ::pread(file, line.data(), line.size(), 0);
  if (got < 2 || !line.starts_with("#!")) return std::nullopt;
  line.resize(static_cast<std::size_t>(got));
  const auto begin = line.find_first_not_of(" \t", 2);
  if (begin == std::string::npos) return std::nullopt;
  const auto end = line.find_first_of(std::string_view(" \t\n\0", 4), begin);
  return line.substr(begin, end == std::string::npos ? end : end - begin);
}

std::optional<std::string> interpreter_of(int path_fd) {
  struct stat st {};
  if (::fstat(path_fd, &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  const UniqueFd file = open_again(path_fd);
  if (!file) return std::nullopt;
  if (auto script = script_interpreter(file.get())) return script;
  const auto elf = kernel::elf_interpreter(file.get());
  return elf ? *elf : std::nullopt;
}

std::vector<UniqueFd> follow(const Resolver& resolver, const Call& call, const std::string& path) {
  std::vector<UniqueFd> chain;
  auto next = resolver.open(call.directory, path, call.flags);
  while (next && chain.size() <= kMostInterpreters) {
    chain.push_back(std::move(next));
    const auto interpreter = interpreter_of(chain.back().get());
    if (!interpreter) break;
    next = resolver.open(AT_FDCWD, *interpreter, 0);
    if (!next) return {};  // not known to its end
  }
  return chain;
}

}  // namespace

UniqueFd open_again(int path_fd) {
  return UniqueFd(::open(fmt::format("/proc/self/fd/{}", path_fd).c_str(),
                         O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOATIME));
}

std::vector<std::vector<UniqueFd>> files_waited_for(int proc_dir) {
  std::vector<std::vector<UniqueFd>> found;
  const UniqueFd memory(::openat(proc_dir, "mem", O_RDONLY | O_CLOEXEC));
  const Resolver resolver(proc_dir);
  std::size_t threads = 0;
  for (const auto& thread : kernel::list_threads(proc_dir)) {
    if (++threads > kMostThreads) break;
    const auto text = kernel::read_file_at(proc_dir, fmt::format("task/{}/syscall", thread).c_str(), kSyscallLimit);
    const auto call = text ? parse_call(*text) : std::nullopt;
    const auto path = call ? read_string(memory.get(), call->path) : std::nullopt;
    if (!path) continue;
    if (auto chain = follow(resolver, *call, *path); !chain.empty()) found.push_back(std::move(chain));
  }
  return found;
}

}  // namespace holdfast::gate
