#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "holdfast/container/discovery.h"
#include "holdfast/container/membership.h"
#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "background_work.h"
#include "device_claims.h"
#include "memory_seal.h"
#include "names.h"
#include "problem_filter.h"
#include "root_scan.h"
#include "snapshot_root.h"
#include "unmount_watch.h"

namespace holdfast::container {

/// From where a mount table was read.
struct TableView {
  int proc_dir = -1;
  int root = -1;                  ///< the "/" of that process
  bool believe_layers = false;    ///< lower and upper directories may be looked up through `root`
  bool about_to_execute = false;  ///< the process is a runtime's caller
  std::string exposure;           ///< why containers found there were not seen by the barrier; empty: they are now
};

/// Discovery's parts are in discovery.cpp (the interface), admission.cpp (roots with a superblock of their own),
/// invocation.cpp (what a runtime was asked to start, plain directories), naming.cpp and running_scan.cpp.
class DiscoveryImpl final : public Discovery {
 public:
  DiscoveryImpl(Dependencies dependencies, std::unique_ptr<UnmountWatch> watch, UniqueFd own_root);

  void set_runtimes(std::vector<std::pair<dev_t, ino_t>> runtimes) override;
  void on_runtime_exec(int proc_dir, pid_t pid) override;
  void on_first_exec(Container& container, int proc_dir, pid_t pid) override;
  void scan_all() override;
  void scan_host() override;
  [[nodiscard]] int unmount_fd() const override { return watch_->fd(); }
  void forget_unmounted() override;
  [[nodiscard]] Mounts& mounts() override { return mounts_; }
  void review_unprotected() override;
  void apply_policies() override;

 private:
  using Shared = std::shared_ptr<Container>;

  // admission.cpp
  void admit_table(const std::vector<kernel::Mount>& mounts, const TableView& view);
  void admit(const CandidateRoot& candidate, const TableView& view);
  Result<Shared> make_overlay(const OpenRoot& root, const TableView& view, Names& names);
  Result<Shared> make_fuse(const OpenRoot& root, const TableView& view);
  Result<void> renew_mark(const Shared& container, const OpenRoot& root, const TableView& view);
  [[nodiscard]] bool still_mounted(dev_t device) const;
  struct Inhabitant {
    pid_t pid = 0;
    UniqueFd proc;
    Wall::time_point started;
  };
  /// Of the processes whose root lies there, the one that started first.
  [[nodiscard]] static std::optional<Inhabitant> oldest_inhabitant(dev_t device);
  void expose(const Shared& container, Container::Exposure exposure);
  /// A runtime is at the barrier that sees this device: nothing has been executed there unseen.
  void confirm(dev_t device);
  void introduce(const Shared& container, int root, Names names, const TableView& view);
  void mark_and_watch(const Shared& container, int root);
  /// Begins or ends the exposure of a container whose mark failed.
  void note_mark(const Shared& container, const Result<void>& marked);

  // invocation.cpp
  struct Start {
    Invocation invocation;
    std::string runtime, bundle, root_path;
    BundleConfig config;
    Caller caller;
    UniqueFd root;
  };
  void follow_invocation(int proc_dir, int process_root);
  [[nodiscard]] std::optional<std::string> runtime_name(int proc_dir) const;
  [[nodiscard]] std::optional<Start> read_start(int proc_dir, int process_root) const;
  void start_on_overlay(const Shared& container, const Start& start);
  /// At the barrier: a container that is started again, on the same root, has a new first process.
  void forget_ended_process(const Shared& container, const Invocation& invocation) const;
  void start_on_directory(const Start& start, int process_root, int proc_dir);
  [[nodiscard]] Names names_of_start(const Start& start, Names known) const;
  void finish_directory(const Shared& container, int root, uid_t caller);
  Result<void> mark_directories(const Container& container, int root, uid_t caller);

  // naming.cpp
  void note_namespaces(Container& container, int proc_dir) const;
  /// The first process that is seen of a container: `waiting` at the gate, or one that runs already.
  void meet(Container& container, int proc_dir, pid_t pid, bool waiting);
  [[nodiscard]] Names names_of_process(const Container& container, int proc_dir) const;
  [[nodiscard]] std::optional<Conmon> conmon_of(const Container& container, int proc_dir) const;
  void rename(const Shared& container, Names names, int root);
  void give_policy(const Shared& container);
  void tell_unread_labels(const Container& container);
  void mark_again(const Shared& container, int root);
  [[nodiscard]] UniqueFd open_mounted_root(const Container& container, int proc_dir) const;
  [[nodiscard]] UniqueFd open_root_of(const Container& container) const;
  [[nodiscard]] bool is_root_of(int directory, const Container& container) const;
  [[nodiscard]] Shared shared_of(const Container& container) const;

  // running_scan.cpp
  /// The time in which a container that ran since `started` was not mediated.
  [[nodiscard]] Container::Exposure exposure_since(Wall::time_point started, const std::string& why) const;
  void scan_host_table(const std::string& exposure);
  void scan_process(int proc_dir, pid_t pid, Wall::time_point started);
  void scan_directory(int proc_dir, pid_t pid, int root, Wall::time_point started);

  const Dependencies to_;
  ProblemFilter problem_;
  const std::unique_ptr<UnmountWatch> watch_;
  const UniqueFd own_root_;
  const Membership membership_;
  DeviceClaims claims_;
  std::mutex applying_;       ///< over all of apply_policies()
  std::mutex forgetting_;     ///< over all of forget_unmounted()
  std::mutex giving_;         ///< over looking up a container's policy and giving it
  mutable std::mutex mutex_;  ///< what follows; never held over anything slow
  std::set<std::pair<dev_t, ino_t>> runtimes_;
  std::set<dev_t> host_devices_;
  std::unordered_map<const Container*, uid_t> plain_roots_;  ///< plain directories, by whom they were started
  /// Found mounted, with nobody inside: exposed unless the barrier comes before the first execution.
  std::unordered_map<const Container*, Container::Exposure> unconfirmed_;
  Mounts mounts_;
  MemorySeal seal_;
  BackgroundWork background_;  ///< the last member: its thread uses the others
};

}  // namespace holdfast::container
