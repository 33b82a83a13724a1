#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "holdfast/container/discovery.h"
#include "holdfast/container/oci.h"
#include "holdfast/container/state_files.h"

#include "background_work.h"
#include "device_claims.h"
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
  Wall::time_point since{};       ///< begin of that exposure
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
  /// Whether any process has its root there now.
  [[nodiscard]] static bool is_inhabited(dev_t device);
  void expose(const Shared& container, Container::Exposure exposure);
  /// A runtime is at the barrier that sees this device: nothing has been executed there unseen.
  void confirm(dev_t device);
  void introduce(const Shared& container, int root, Names names, const TableView& view);
  void mark_and_watch(const Shared& container, int root);

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
  void start_on_directory(const Start& start, int process_root, int proc_dir);
  [[nodiscard]] Names names_of_start(const Start& start, Names known) const;
  Result<void> mark_directories(const Container& container, int root, uid_t caller);

  // naming.cpp
  [[nodiscard]] Names names_of_process(const Container& container, int proc_dir) const;
  [[nodiscard]] std::optional<Conmon> conmon_of(const Container& container, int proc_dir) const;
  void rename(const Shared& container, Names names, int root);
  void give_policy(const Shared& container);
  void mark_again(const Container& container, int root);
  [[nodiscard]] UniqueFd open_mounted_root(const Container& container, int proc_dir) const;
  [[nodiscard]] UniqueFd open_root_of(const Container& container) const;
  [[nodiscard]] bool is_root_of(int directory, const Container& container) const;
  [[nodiscard]] Shared shared_of(const Container& container) const;

  // running_scan.cpp
  void scan_own_table(const std::string& exposure);
  void scan_process(int proc_dir, pid_t pid, Wall::time_point started);
  void scan_directory(int proc_dir, pid_t pid, int root, Wall::time_point started);

  [[nodiscard]] bool is_own_root(int proc_dir) const;

  const Dependencies to_;
  ProblemFilter problem_;
  const std::unique_ptr<UnmountWatch> watch_;
  const UniqueFd own_root_;
  DeviceClaims claims_;
  mutable std::mutex mutex_;  ///< what follows; never held over anything slow
  std::set<std::pair<dev_t, ino_t>> runtimes_;
  std::set<dev_t> host_devices_;
  std::unordered_map<const Container*, uid_t> plain_roots_;  ///< plain directories, by whom they were started
  /// Found mounted, with nobody inside: exposed unless the barrier comes before the first execution.
  std::unordered_map<const Container*, Container::Exposure> unconfirmed_;
  BackgroundWork background_;  ///< the last member: its thread uses the others
};

}  // namespace holdfast::container
