#include "holdfast/gate/event_table.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace holdfast::gate {
namespace {

constexpr std::uint64_t kMagic = 0x31'45'4c'42'41'54'46'48;  // "HFTABLE1": another layout gets another number
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

enum State : std::uint32_t { kFree, kLookedAt, kRead };

struct Record {
  std::atomic<std::uint32_t> state;
  std::int32_t pid;
  std::uint64_t mask, device, inode, size;
  std::int64_t mtime, ctime;
  std::uint64_t reserved;
};
static_assert(sizeof(Record) == 64);

struct ReadBuffer {
  std::atomic<std::uint32_t> in_use;
  std::array<std::uint32_t, 15> reserved;
  std::array<std::byte, kernel::kFanotifyBatch> events;
};

}  // namespace

/// Zero everywhere is an empty table.
struct EventTable::Layout {
  std::uint64_t magic, record_bytes, numbers;
  std::atomic<std::int64_t> alive;
  std::atomic<std::uint32_t> numbers_used;  ///< none above was ever noted
  std::atomic<std::uint32_t> notifications;
  alignas(64) std::array<ReadBuffer, kReaders> buffers;
  alignas(64) std::array<std::atomic<std::uint64_t>, kExpectations> expectations;
  alignas(64) std::array<Record, kNumbers> records;
};

Result<EventTable> EventTable::map(UniqueFd file) {
  static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
  void* const memory = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return errno_error("map the table of events in hand");
  return EventTable(std::move(file), static_cast<Layout*>(memory));
}

Result<EventTable> EventTable::create() {
  UniqueFd file(::memfd_create("holdfast-events", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return errno_error("memfd_create for the table of events in hand");
  if (::ftruncate(file.get(), sizeof(Layout)) != 0 || ::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return errno_error("make the table of events in hand");
  }
  auto table = map(std::move(file));
  if (!table) return table;
  table->layout_->magic = kMagic;
  table->layout_->record_bytes = sizeof(Record);
  table->layout_->numbers = kNumbers;
  return table;
}

Result<EventTable> EventTable::adopt(UniqueFd file) {
  struct stat st {};
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(file.get(), &st) != 0 || st.st_size != sizeof(Layout)) {
    return Error{EINVAL, "it is not a table of this version"};
  }
  auto table = map(std::move(file));
  if (!table) return table;
  const auto& head = *table->layout_;
  if (head.magic != kMagic || head.record_bytes != sizeof(Record) || head.numbers != kNumbers) {
    return Error{EINVAL, "it is a table of another version"};
  }
  return table;
}

EventTable::EventTable(EventTable&& other) noexcept
    : file_(std::move(other.file_)), layout_(std::exchange(other.layout_, nullptr)) {}

EventTable& EventTable::operator=(EventTable&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(layout_, other.layout_);
  return *this;
}

EventTable::~EventTable() {
  if (layout_ != nullptr) ::munmap(layout_, sizeof(Layout));
}

void EventTable::move_above(int number) {
  if (UniqueFd moved(::fcntl(file_.get(), F_DUPFD_CLOEXEC, number + 1)); moved) file_ = std::move(moved);
}

int EventTable::numbers_used() const noexcept {
  return static_cast<int>(std::min<std::size_t>(layout_->numbers_used.load(), kNumbers));
}

std::span<std::byte> EventTable::begin_read(unsigned reader) noexcept {
  auto& buffer = layout_->buffers[reader % kReaders];
  std::memset(buffer.events.data(), 0, buffer.events.size());  // the kernel may fill it in part
  buffer.in_use.store(1, std::memory_order_release);
  return buffer.events;
}

void EventTable::end_read(unsigned reader) noexcept {
  layout_->buffers[reader % kReaders].in_use.store(0, std::memory_order_release);
}

void EventTable::note(int number, pid_t pid, std::uint64_t mask, const struct stat* file) noexcept {
  if (number < 0 || static_cast<std::size_t>(number) >= kNumbers) return;
  auto& record = layout_->records[static_cast<std::size_t>(number)];
  record.pid = pid;
  record.mask = mask;
  if (file != nullptr) {
    const Identity identity = identity_of(*file);
    record.device = file->st_dev;
    record.inode = identity.inode;
    record.size = identity.size;
    record.mtime = identity.mtime;
    record.ctime = identity.ctime;
  }
  record.state.store(file != nullptr ? kLookedAt : kRead, std::memory_order_release);
  auto& used = layout_->numbers_used;
  const auto count = static_cast<std::uint32_t>(number) + 1;
  if (used.load(std::memory_order_relaxed) < count) used.store(count, std::memory_order_release);
}

void EventTable::clear(int number) noexcept {
  if (number < 0 || static_cast<std::size_t>(number) >= kNumbers) return;
  layout_->records[static_cast<std::size_t>(number)].state.store(kFree, std::memory_order_release);
}

/// What the kernel had handed out when the process was killed in the middle of its read, or before it had noted all.
void EventTable::take_over_buffers() {
  std::vector<kernel::FanotifyRecord> read;
  for (auto& buffer : layout_->buffers) {
    if (buffer.in_use.exchange(0) == 0) continue;
    (void)kernel::parse_records(buffer.events, read);  // as far as it was written
    for (const auto& record : read) {
      if (record.fd < 0 || static_cast<std::size_t>(record.fd) >= kNumbers || !kernel::is_permission(record.mask))
        continue;
      if (layout_->records[static_cast<std::size_t>(record.fd)].state.load() == kFree) {
        note(record.fd, record.pid, record.mask, nullptr);
      }
    }
  }
}

std::vector<InHand> EventTable::take_over() {
  take_over_buffers();
  std::vector<InHand> found;
  const auto used = static_cast<std::size_t>(numbers_used());
  for (std::size_t number = 0; number < used; ++number) {
    const auto& record = layout_->records[number];
    const auto state = record.state.load(std::memory_order_acquire);
    if (state != kLookedAt && state != kRead) continue;
    InHand one{static_cast<int>(number), record.pid, record.mask, state == kLookedAt, 0, {}};
    if (one.looked_at) {
      one.device = record.device;
      one.identity = {record.inode, record.size, record.mtime, record.ctime};
    }
    found.push_back(one);
  }
  layout_->notifications.store(0);
  return found;
}

std::atomic<std::uint32_t>& EventTable::notifications() noexcept { return layout_->notifications; }
std::atomic<std::int64_t>& EventTable::alive() noexcept { return layout_->alive; }
std::span<std::atomic<std::uint64_t>> EventTable::expectations() noexcept { return layout_->expectations; }

}  // namespace holdfast::gate
