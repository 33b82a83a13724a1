#include "holdfast/gate/writers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "holdfast/kernel/file.h"

#include "writers_impl.h"

namespace holdfast::gate {
namespace {

/// Forks are read when an event needs them, and at least so often: their socket has room for about ten thousand.
constexpr int kBetweenForks = 200;  // milliseconds
/// The kernel's queue holds no more (fs.fanotify.max_queued_events): what was there at a pass's begin is read then.
constexpr std::size_t kMostBatches = 1024;
/// A writer that has executed nothing is looked at in /proc, best before it has ended.
constexpr int kWritersNice = -10;

/// Who writes very much (an unpacking tar) is not to wake this thread with each file: beyond so many events a window it
/// waits a little, and finds them together. `catch_up` ends the pause.
constexpr auto kWindow = std::chrono::milliseconds(20);
constexpr std::uint64_t kMany = 64;
constexpr int kPause = 5;  // milliseconds

constexpr std::size_t kSetsOfChanges = 1024;

/// Directories of upper layers that are watched; each costs a descriptor, and most of those are the gate's.
std::size_t most_directories() {
  constexpr std::size_t kMost = 16'384;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return std::min<std::size_t>(kMost, limit.rlim_max / 8);  // the service raises its own to that
}

}  // namespace

FileVersion version_from(const struct statx& found) {
  FileVersion version;
  version.device = makedev(found.stx_dev_major, found.stx_dev_minor);
  version.inode = found.stx_ino;
  version.ctime = file_time({found.stx_ctime.tv_sec, static_cast<long>(found.stx_ctime.tv_nsec)});
  if ((found.stx_mask & STATX_BTIME) != 0) {
    version.birth = file_time({found.stx_btime.tv_sec, static_cast<long>(found.stx_btime.tv_nsec)});
  }
  return version;
}

std::optional<FileVersion> version_of(int file) {
  struct statx found {};
  if (!kernel::statx_without_asking(file, "", STATX_BASIC_STATS | STATX_BTIME, found)) return std::nullopt;
  return version_from(found);
}

Result<std::unique_ptr<Writers>> Writers::create(const Dependencies& dependencies) {
  auto written = kernel::FanotifyGroup::create_for_notifications();
  if (!written) return written.error();
  auto changed = kernel::NameEvents::open();
  if (!changed) return changed.error();
  auto forks = kernel::ForkEvents::open();
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return errno_error("eventfd");
  // Without forks, a process that has executed nothing is known only while it lives.
  return std::unique_ptr<Writers>(std::make_unique<WritersImpl>(dependencies, std::move(*written), std::move(*changed),
                                                                forks ? std::optional(std::move(*forks)) : std::nullopt,
                                                                std::move(wake)));
}

WritersImpl::WritersImpl(const Dependencies& dependencies, kernel::FanotifyGroup written, kernel::NameEvents changed,
                         std::optional<kernel::ForkEvents> forks, UniqueFd wake)
    : to_(dependencies),
      written_(std::move(written)),
      upper_(dependencies.registry, dependencies.closer, std::move(changed), most_directories()),
      forks_(std::move(forks)),
      wake_(std::move(wake)),
      modes_(kSetsOfChanges),
      names_(kSetsOfChanges),
      thread_([this] { run(); }) {}

WritersImpl::~WritersImpl() {
  stop_ = true;
  wake();
  thread_.join();
}

void WritersImpl::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

Result<void> WritersImpl::follow_root(int root, const container::Container& container) {
  const bool off = container.mode() == policy::Mode::off;
  struct stat st {};
  const bool own_root = ::fstat(root, &st) == 0 && st.st_dev == container.device();
  if (off) {
    modes_changed_ = true;
    (void)written_.unmark_filesystem(root, FAN_CLOSE_WRITE);
    wake();
    return {};
  }
  if (own_root && container.kind() == container::RootKind::overlay) follow_upper(container);
  return written_.mark_filesystem(root, FAN_CLOSE_WRITE);
}

Result<void> WritersImpl::follow_mount(int fd, const container::Container& container) {
  if (container.mode() != policy::Mode::off) return written_.mark_mount(fd, FAN_CLOSE_WRITE);
  (void)written_.unmark_mount(fd, FAN_CLOSE_WRITE);
  return {};
}

Result<void> WritersImpl::follow_directory(int directory, const container::Container& container) {
  constexpr std::uint64_t kMask = FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD;
  if (container.mode() == policy::Mode::off) {
    modes_changed_ = true;
    (void)written_.unmark_inode(directory, kMask);
    return {};
  }
  if (const auto known = to_.registry.find_snapshot(container.key())) {
    upper_.follow(known, UniqueFd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    wake();
  }
  return written_.mark_inode(directory, kMask);
}

void WritersImpl::follow_upper(const container::Container& container) {
  UniqueFd upper(::open(container.upper_directory().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const auto key = upper ? container::root_key_of(upper.get()) : Result<container::RootKey>(errno_error("open"));
  const auto known = to_.registry.find(container.device());
  if (!key || *key != container.key() || !known) return;
  upper_.follow(known, std::move(upper));
  wake();
}

void WritersImpl::run() {
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kWritersNice);
  while (!stop_.load(std::memory_order_relaxed)) {
    std::array<pollfd, 3> fds{pollfd{wake_.get(), POLLIN, 0}, pollfd{written_.fd(), POLLIN, 0},
                              pollfd{upper_.fd(), POLLIN, 0}};
    const bool busy = is_busy();
    const int idle = to_.registry.generation() == 0 ? -1 : kBetweenForks;
    (void)::poll(fds.data(), busy ? 1 : fds.size(), busy ? kPause : idle);
    std::uint64_t times = 0;
    (void)!::read(wake_.get(), &times, sizeof times);
    pass();
  }
}

bool WritersImpl::is_busy() {
  const auto now = Steady::now();
  const auto windows = (now - counted_at_) / kWindow;
  if (windows == 0) return busy_;
  const auto events = to_.counters.writer_events.load(std::memory_order_relaxed);
  busy_ = events - counted_ > kMany * static_cast<std::uint64_t>(windows);
  counted_ = events;
  counted_at_ = now;
  return busy_;
}

void WritersImpl::pass() {
  std::uint64_t requested = 0;
  {
    const std::lock_guard lock(mutex_);
    requested = requested_;
  }
  if (to_.registry.generation() != swept_ || modes_changed_.exchange(false)) sweep();
  upper_.tidy();
  take_forks();
  const auto begin = Wall::now();
  bool more = true;
  for (std::size_t i = 0; more && i < kMostBatches; ++i) {
    more = take_written();
    more = take_changed() || more;
    more = upper_.step() || more;
  }
  if (!more) last_empty_ = begin;
  const std::lock_guard lock(mutex_);
  served_ = requested;
  served_changed_.notify_all();
}

void WritersImpl::sweep() {
  swept_ = to_.registry.generation();
  upper_.sweep();
}

bool WritersImpl::catch_up(Steady::time_point deadline) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++requested_;
  wake();
  return served_changed_.wait_until(lock, deadline, [&] { return served_ >= ticket; });
}

}  // namespace holdfast::gate
