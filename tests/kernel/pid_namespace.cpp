#include "holdfast/kernel/pid_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "holdfast/base/unique_fd.h"

using namespace holdfast;

namespace {

constexpr unsigned kExec = 0x10;  // MFD_EXEC

int level_here() {
  std::ifstream in("/proc/sys/vm/memfd_noexec");
  int level = -1;
  in >> level;
  return level;
}

/// The first process of a PID namespace of its own: does what it is asked, one letter a time, and answers with a
/// number.
class Inside {
 public:
  explicit Inside(int flags = CLONE_NEWPID) {
    std::array<int, 2> questions{};
    std::array<int, 2> answers{};
    REQUIRE(::pipe2(questions.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(answers.data(), O_CLOEXEC) == 0);
    pid_ = static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) serve(questions[0], answers[1]);
    questions_.reset(questions[1]);
    answers_.reset(answers[0]);
    ::close(questions[0]);
    ::close(answers[1]);
    space_.reset(::open(fmt::format("/proc/{}/ns/pid", pid_).c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(space_.valid());
  }
  ~Inside() { end(); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  [[nodiscard]] int ask(char what) const {
    int answer = -1;
    REQUIRE(::write(questions_.get(), &what, 1) == 1);
    REQUIRE(::read(answers_.get(), &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer));
    return answer;
  }
  /// From now on it stops every other process of its namespace, for ever.
  void stop_all_others() const { REQUIRE(::write(questions_.get(), "s", 1) == 1); }
  [[nodiscard]] int space() const { return space_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] ino_t inode() const {
    struct stat st {};
    REQUIRE(::fstat(space(), &st) == 0);
    return st.st_ino;
  }

 private:
  [[noreturn]] static void serve(int questions, int answers) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    char what = 0;
    while (::read(questions, &what, 1) == 1) {
      while (what == 's') ::kill(-1, SIGSTOP);
      const int answer = what == 'l' ? level_here() : what == 'm' ? make(kExec) : what == 'x' ? execute() : -1;
      if (::write(answers, &answer, sizeof answer) < 0) break;
    }
    ::_exit(0);
  }
  static int make(unsigned flags) {
    const auto fd = ::syscall(SYS_memfd_create, "m", flags);
    const int failed = fd < 0 ? errno : 0;
    if (fd >= 0) ::close(static_cast<int>(fd));
    return failed;
  }
  /// Of a copy of true(1) in a memfd that nobody asked to be executable: errno of execve, or 0.
  static int execute() {
    const pid_t child = ::fork();
    if (child == 0) {
      const int memory = static_cast<int>(::syscall(SYS_memfd_create, "m", 0U));
      std::ifstream in("/bin/true", std::ios::binary);
      std::array<char, 65536> block{};
      while (in.read(block.data(), block.size()) || in.gcount() > 0) {
        if (::write(memory, block.data(), static_cast<std::size_t>(in.gcount())) < 0) ::_exit(1);
      }
      std::array<char*, 1> none{nullptr};
      ::syscall(SYS_execveat, memory, "", none.data(), none.data(), AT_EMPTY_PATH);
      ::_exit(errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }

  pid_t pid_ = 0;
  UniqueFd questions_, answers_, space_;
};

bool can_seal() {
  if (::geteuid() == 0 && kernel::has_memfd_noexec() && level_here() == 0) return true;
  MESSAGE("skipped: needs root, and a kernel whose vm.memfd_noexec is 0");
  return false;
}

}  // namespace

// The child shares our memory (CLONE_VM), which the thread sanitizer's runtime does not survive: skipped there, by
// name.
#ifdef __SANITIZE_THREAD__
constexpr bool kSkip = true;
#else
constexpr bool kSkip = false;
#endif

TEST_SUITE("vm.memfd_noexec of another PID namespace" * doctest::skip(kSkip)) {
  TEST_CASE("set to 2, no memfd can be made executable or executed in there, and ours is untouched") {
    if (!can_seal()) return;
    const Inside inside;
    const Inside sibling;
    CHECK(inside.ask('x') == 0);
    kernel::PidNamespaces spaces;
    const auto before = spaces.set_memfd_noexec(inside.space(), kernel::kMemfdNeverExecutable);
    REQUIRE_MESSAGE(before.ok(), before.error().message);
    CHECK(*before == 0);
    CHECK(inside.ask('l') == 2);
    CHECK(inside.ask('m') == EACCES);
    CHECK(inside.ask('x') == EACCES);
    CHECK(level_here() == 0);
    CHECK(sibling.ask('l') == 0);
    CHECK(sibling.ask('x') == 0);
  }

  TEST_CASE("what was there before can be put back") {
    if (!can_seal()) return;
    const Inside inside;
    kernel::PidNamespaces spaces;
    REQUIRE(spaces.set_memfd_noexec(inside.space(), 2).ok());
    const auto sealed = spaces.set_memfd_noexec(inside.space(), 0);
    REQUIRE(sealed.ok());
    CHECK(*sealed == 2);
    CHECK(inside.ask('l') == 0);
    CHECK(inside.ask('x') == 0);
  }

  TEST_CASE("a PID namespace in a user namespace of its own is no different") {
    if (!can_seal()) return;
    const Inside inside(CLONE_NEWPID | CLONE_NEWUSER);
    kernel::PidNamespaces spaces;
    REQUIRE(spaces.set_memfd_noexec(inside.space(), 2).ok());
    CHECK(inside.ask('l') == 2);
    CHECK(level_here() == 0);
  }

  TEST_CASE("a namespace whose first process has ended, or what is none, is an error and hangs nobody") {
    if (!can_seal()) return;
    Inside inside;
    inside.end();
    kernel::PidNamespaces spaces;
    CHECK(!spaces.set_memfd_noexec(inside.space(), 2).ok());
    CHECK(!spaces.set_memfd_noexec(STDIN_FILENO, 2).ok());
    const Inside next;
    CHECK(spaces.set_memfd_noexec(next.space(), 2).ok());
  }

  TEST_CASE("somebody in there who stops whatever comes in costs a second, not the service") {
    if (!can_seal()) return;
    const Inside hostile;
    hostile.stop_all_others();
    kernel::PidNamespaces spaces;
    for (int i = 0; i < 3; ++i) {
      const auto done = spaces.set_memfd_noexec(hostile.space(), 2);
      CHECK((done.ok() || done.error().code == EINTR));
    }
    const Inside next;
    CHECK(spaces.set_memfd_noexec(next.space(), 2).ok());
  }

  TEST_CASE("descriptors and children of the other threads are not concerned") {
    if (!can_seal()) return;
    const Inside inside;
    kernel::PidNamespaces spaces;
    REQUIRE(spaces.set_memfd_noexec(inside.space(), 2).ok());
    CHECK(::fcntl(inside.space(), F_GETFD) >= 0);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(level_here());
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
  }

  TEST_CASE("a process that could trace the child is noticed") {
    if (!can_seal()) return;
    const Inside inside;  // has all capabilities
    CHECK(kernel::has_tracer(inside.inode(), 0));
    CHECK_FALSE(kernel::has_tracer(inside.inode(), inside.pid()));
    const Inside elsewhere(CLONE_NEWPID | CLONE_NEWUSER);
    CHECK_FALSE(kernel::has_tracer(elsewhere.inode(), 0));
  }
}
