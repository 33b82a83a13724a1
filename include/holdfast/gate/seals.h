#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "holdfast/alert/queue.h"
#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/base/sha256.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/catalog.h"
#include "holdfast/container/container.h"
#include "holdfast/gate/lease_bell.h"
#include "holdfast/kernel/late_closer.h"
#include "holdfast/kernel/lease.h"
#include "holdfast/policy/policy.h"
#include "holdfast/policy/sealed.h"

namespace holdfast::gate {

/// [Seal]: what a fresh container wrote itself within its window, by path and hash. A file's hash is taken when it is
/// executed, within the window or later; its ctime, which nobody can set, then tells that it has been what it is since.
/// From then on the file is held under a lease: who asks to write it takes its pin away, whatever he writes.
/// Pins are a container's as long as its upper directory is the same one, through its stops and starts and through the
/// service's, in the database; what is left of a window ends with the service. Two threads: one closes windows and
/// writes pins down, the other gives up leases. Any thread.
class Seals {
 public:
  struct Dependencies {
    alert::Queue& alerts;
    baseline::Catalog& catalog;
    kernel::LateCloser& closer;
    std::function<void(const std::string&)>
        on_trouble;              ///< pins could not be kept for the next service; it goes on trying
    bool lease_signals = false;  ///< see LeaseBell; SIGWINCH
  };
  explicit Seals(Dependencies dependencies);
  ~Seals();
  Seals(const Seals&) = delete;
  Seals& operator=(const Seals&) = delete;

  /// Takes over what the service before this one has pinned.
  [[nodiscard]] Result<void> resume();

  /// The container executes something for the first time: its window opens, if it never did.
  void begin(const std::shared_ptr<container::Container>& container);
  /// It executes something again: what was pinned for it before the service started is this container's.
  void meet(const std::shared_ptr<container::Container>& container);

  /// One execution of a file that drifted. The hash must be of bytes that nobody can write.
  struct Attempt {
    const container::Container& container;
    const policy::Seal& seal;
    const std::string& path;
    const Sha256& sha256;
    FileTime changed = 0;    ///< the file's ctime
    bool by_itself = false;  ///< the container's own processes execute it, and nobody else is known to have written it
    bool own_work = false;   ///< the container's own processes are known to have written it (Trace::own_work)
    UniqueFd real;           ///< the writable layer's real file, open for reading and nobody else's; may be missing
  };
  /// Whether it is pinned, or is pinned now.
  [[nodiscard]] bool fits(Attempt attempt);

 private:
  using Key = policy::Sealed::Root;
  static constexpr std::chrono::hours kLookAtAges{1};  // "last seen", in the database
  /// One of the descriptors that leases may take; it is given back with whatever held it.
  class Place {
   public:
    explicit Place(std::size_t& taken) : taken_(&taken) { ++*taken_; }
    Place(Place&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(taken_, other.taken_);
      return *this;
    }
    ~Place() {
      if (taken_ != nullptr) --*taken_;
    }

   private:
    std::size_t* taken_;
  };
  /// Closed by the closer: what somebody has removed meanwhile goes with its last descriptor.
  struct HeldLease {
    kernel::LateCloser* closer;
    kernel::ReadLease lease;
    Place place;
    HeldLease(kernel::LateCloser& by, kernel::ReadLease held, Place one)
        : closer(&by), lease(std::move(held)), place(std::move(one)) {}
    HeldLease(HeldLease&&) noexcept = default;
    HeldLease& operator=(HeldLease&&) = delete;
    ~HeldLease() { closer->close(lease.give_up()); }
  };
  struct Pin {
    Sha256 sha256{};
    std::optional<HeldLease> held;  ///< none: its content alone tells whether it is still what was pinned
  };
  struct State {
    std::weak_ptr<container::Container> container;
    Wall::time_point began;
    Steady::time_point since;
    bool closed = false;
    Wall::time_point ended;  ///< once closed
    std::map<std::string, Pin> pins;
    Wall::time_point seen;  ///< as the database has it
    bool unsaved = false;

    [[nodiscard]] bool is_idle() const;
  };
  void run();
  [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const;
  void close_due();
  void watch_leases();
  void drop_leases();
  void save_changed();
  void look_at_ages(Wall::time_point now);
  [[nodiscard]] std::optional<kernel::ReadLease> lease_on(UniqueFd real) const;
  void hold(Pin& pin, std::optional<kernel::ReadLease> lease);
  void pin(const Key& key, State& state, const std::string& path, const Sha256& sha256,
           std::optional<kernel::ReadLease> lease);
  void tell_sealed(const container::Container& container, const State& state);
  void tell_late(const container::Container& container, const std::string& path, const Sha256& sha256);
  void tell(const container::Container& container, const std::string& what);
  [[nodiscard]] static Key key_of(const container::Container& container);

  const Dependencies dependencies_;
  const LeaseBell work_;      ///< for the first thread
  const LeaseBell asked_;     ///< for the other one
  mutable std::mutex mutex_;  ///< what follows; never held over anything slow
  std::size_t leases_ = 0;    ///< Place; before those that hold one
  std::map<Key, State> states_;
  std::set<Key> busy_;  ///< those that are not idle: what the threads look at, however many containers there have been
  Steady::time_point ages_looked_at_{};
  bool stop_ = false;
  std::thread thread_, lease_thread_;
};

/// Whether a file is there in the container, looked up from the root of its first process without leaving it by any
/// link. False if that process is gone or has another root by now.
[[nodiscard]] bool exists_in_container(const container::Container& container, const std::string& path);

}  // namespace holdfast::gate
