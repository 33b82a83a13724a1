#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "holdfast/gate/writers.h"
#include "holdfast/kernel/fanotify.h"
#include "holdfast/kernel/fork_events.h"

#include "upper_watch.h"
#include "writer_table.h"

namespace holdfast::gate {

/// Writers' parts are in writers.cpp (marks and the thread), writer_events.cpp (what the thread takes in) and
/// trace.cpp (what is told).
class WritersImpl final : public Writers {
 public:
  WritersImpl(const Dependencies& dependencies, kernel::FanotifyGroup written, kernel::NameEvents changed,
              std::optional<kernel::ForkEvents> forks, UniqueFd wake);
  ~WritersImpl() override;

  Result<void> follow_root(int root, const container::Container& container) override;
  Result<void> follow_mount(int fd, const container::Container& container) override;
  Result<void> follow_directory(int directory, const container::Container& container) override;
  [[nodiscard]] Trace trace(const FileVersion& file, const std::optional<FileVersion>& upper) const override;
  bool catch_up(Steady::time_point deadline) override;

 private:
  using Shared = ExecHistory::Shared;

  // writers.cpp
  void run();
  void wake();
  [[nodiscard]] bool is_busy();
  void pass();
  void sweep();
  void follow_upper(const container::Container& container);

  // writer_events.cpp
  void take_forks();
  bool take_written();
  void take_written(const kernel::FanotifyEvent& event);
  bool take_changed();
  void take_change(const UpperWatch::Change& change);
  void note_loss();
  [[nodiscard]] Deed deed_of(pid_t pid, const FileVersion& file, bool executable, alert::Hand how);
  [[nodiscard]] Shared program_of(pid_t pid);
  [[nodiscard]] Shared learn(pid_t pid);

  // trace.cpp
  [[nodiscard]] Writer describe(const Deed& deed) const;

  const Dependencies to_;
  const kernel::FanotifyGroup written_;
  UpperWatch upper_;
  const std::optional<kernel::ForkEvents> forks_;
  const UniqueFd wake_;
  WriterTable contents_, modes_, names_;

  // The thread's own.
  std::vector<kernel::FanotifyEvent> events_;
  alignas(8) std::array<std::byte, kernel::kFanotifyBatch> buffer_{};  ///< what the kernel writes events into
  kernel::ForkEvents::Batch fork_batch_;
  Shared completed_;  ///< the last program whose parents were looked up
  Wall::time_point last_empty_{};
  std::uint64_t swept_ = ~0ULL;  ///< the registry's generation
  std::uint64_t counted_ = 0;    ///< events, when the current window began
  Steady::time_point counted_at_{};
  bool busy_ = false;

  std::atomic<bool> stop_{false}, modes_changed_{false};
  std::mutex mutex_;  ///< what follows
  std::condition_variable served_changed_;
  std::uint64_t requested_ = 0, served_ = 0;
  std::thread thread_;  ///< the last member: uses the others
};

}  // namespace holdfast::gate
