#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/clock.h"
#include "holdfast/base/identity.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/policy/override.h"
#include "holdfast/policy/policy.h"

namespace holdfast::container {

/// What a container is called. Every field may be empty: unknown. Raw bytes from files that a hostile user may own.
struct Names {
  std::string id, name, image, digest, runtime, name_space, pod;
  std::map<std::string, std::string> labels;
  std::string bundle;           ///< the OCI bundle's directory, absolute on the host
  bool labels_unknown = false;  ///< its engine keeps labels, but not where they could be read
  [[nodiscard]] policy::Subject subject() const;
};

/// A root filesystem, and so a container, by more than its device number, which is reused at once (runtimes.md):
/// the upper directory, or for a root without layers the root directory itself.
struct RootKey {
  dev_t device = 0;  ///< of the directory's own file system
  ino_t inode = 0;
  FileTime birth = 0;  ///< 0 where the file system keeps none
  friend bool operator==(const RootKey&, const RootKey&) = default;
};

enum class RootKind { overlay, snapshot };

/// Identities that a container's policy prohibits though the image ships them. Immutable, sorted.
class ProhibitedTable {
 public:
  explicit ProhibitedTable(std::vector<Identity> identities);
  [[nodiscard]] bool contains(const Identity& identity) const noexcept;

 private:
  std::vector<Identity> sorted_;
};

/// One container, from the moment its root filesystem was seen. Shared; the gate reads it without locks.
class Container {
 public:
  Container(dev_t device, RootKey key, RootKind kind, std::shared_ptr<baseline::Baseline> baseline,
            std::string upper_directory, std::string root_mount_point);

  [[nodiscard]] dev_t device() const { return device_; }  ///< st_dev of files on its root
  [[nodiscard]] const RootKey& key() const { return key_; }
  [[nodiscard]] RootKind kind() const { return kind_; }
  [[nodiscard]] const std::shared_ptr<baseline::Baseline>& baseline() const { return baseline_; }
  /// Absolute on the host; empty for a root without layers.
  [[nodiscard]] const std::string& upper_directory() const { return upper_directory_; }
  [[nodiscard]] const std::string& root_mount_point() const { return root_mount_point_; }
  [[nodiscard]] Wall::time_point seen_at() const { return seen_at_; }

  [[nodiscard]] std::shared_ptr<const Names> names() const;
  /// Also with nothing in it: then nobody will find any.
  void set_names(Names names);
  [[nodiscard]] bool named() const { return named_.load(std::memory_order_acquire); }
  /// Not named yet: another policy than the present one may turn out to be its own. Where any policy prevents, its mark
  /// must ask for permission until then.
  [[nodiscard]] bool provisional() const { return !named(); }

  /// What is in effect: its own policy, or that policy in an override's mode. Never null once registered. `mode`
  /// mirrors policy's for the fast path.
  [[nodiscard]] std::shared_ptr<const policy::Policy> policy() const;
  /// What the policies alone say, and the override beside it (null: none).
  [[nodiscard]] std::shared_ptr<const policy::Policy> own_policy() const;
  [[nodiscard]] std::shared_ptr<const policy::Override> overriding() const;
  void set_policy(std::shared_ptr<const policy::Policy> own, std::shared_ptr<const policy::Override> overriding = {});
  [[nodiscard]] policy::Mode mode() const { return mode_.load(std::memory_order_acquire); }

  /// Null while the policy prohibits nothing; with prohibitions and no table yet, `prohibitions_ready` is false and the
  /// fast path must not be taken.
  [[nodiscard]] std::shared_ptr<const ProhibitedTable> prohibited() const;
  /// With `computed_for`, does nothing if the policy is another one by now.
  void set_prohibited(std::shared_ptr<const ProhibitedTable> table, const policy::Policy* computed_for = nullptr);
  [[nodiscard]] bool prohibitions_ready() const { return prohibitions_ready_.load(std::memory_order_acquire); }
  [[nodiscard]] bool has_prohibitions() const { return has_prohibitions_.load(std::memory_order_acquire); }

  /// The first process seen in it, for mountinfo and ancestors; 0 if none was.
  [[nodiscard]] pid_t first_pid() const { return first_pid_.load(); }
  void set_first_pid(pid_t pid) { first_pid_.store(pid); }
  /// The PID namespace of its first process, by inode number; 0: not known, or the host's own. It is held open: the
  /// kernel gives the number of one that is gone to the next.
  [[nodiscard]] ino_t pid_namespace() const { return pid_namespace_.load(); }
  void set_pid_namespace(UniqueFd space);
  /// The mount namespace of its first process; 0: not known.
  [[nodiscard]] ino_t mount_namespace() const { return mount_namespace_.load(); }
  void set_mount_namespace(ino_t inode) { mount_namespace_.store(inode); }

  /// A mount that the runtime made for the container: one that was there at its first execution.
  struct GivenMount {
    dev_t device = 0;
    std::string root;         ///< in its superblock
    std::string destination;  ///< in the container
    std::string source, type;
    bool writable = true;
  };
  /// Null before the first execution.
  [[nodiscard]] std::shared_ptr<const std::vector<GivenMount>> given_mounts() const;
  void set_given_mounts(std::vector<GivenMount> mounts);
  void forget_given_mounts();

  /// Whether it can execute files that no mark covers, since somebody else serves their file system (see Mounts): the
  /// gate then does not see every program.
  [[nodiscard]] bool reaches_unmarked_files() const { return reaches_unmarked_files_.load(); }
  void set_reaches_unmarked_files() { reaches_unmarked_files_.store(true); }

  /// Why mediation was not complete at some time, oldest first; empty: mediated.
  struct Exposure {
    Wall::time_point from, until;
    std::string why;
    /// A span whose end has not come has none.
    [[nodiscard]] bool goes_on() const { return until == Wall::time_point{}; }
  };
  void add_exposure(Exposure exposure);
  /// One that begins now and goes on; false if it does already.
  bool begin_exposure(const std::string& why);
  /// Ends it now, if it goes on.
  void end_exposure(const std::string& why);
  [[nodiscard]] std::vector<Exposure> exposures() const;

  std::atomic<std::uint64_t> drift_count{0};
  std::atomic<std::uint64_t> exec_count{0};

 private:
  const dev_t device_;
  const RootKey key_;
  const RootKind kind_;
  const std::shared_ptr<baseline::Baseline> baseline_;
  const std::string upper_directory_, root_mount_point_;
  const Wall::time_point seen_at_ = Wall::now();
  mutable std::mutex mutex_;  ///< what follows down to exposures_; never held over anything slow
  std::shared_ptr<const Names> names_;
  std::shared_ptr<const policy::Policy> policy_, own_policy_;
  std::shared_ptr<const policy::Override> overriding_;
  std::shared_ptr<const ProhibitedTable> prohibited_;
  std::shared_ptr<const std::vector<GivenMount>> given_mounts_;
  std::vector<Exposure> exposures_;
  UniqueFd pid_namespace_held_;
  std::atomic<bool> named_{false}, prohibitions_ready_{true}, has_prohibitions_{false};
  std::atomic<policy::Mode> mode_{policy::Mode::detect};
  std::atomic<bool> reaches_unmarked_files_{false};
  std::atomic<pid_t> first_pid_{0};
  std::atomic<ino_t> pid_namespace_{0}, mount_namespace_{0};
};

}  // namespace holdfast::container
