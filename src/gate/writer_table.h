#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <vector>

#include "holdfast/gate/exec_history.h"
#include "holdfast/gate/writers.h"

namespace holdfast::gate {

/// Who did the last thing of a kind to a file. `program` null: nobody knows what that process ran.
struct Deed {
  ExecHistory::Shared program;
  pid_t pid = 0;
  Wall::time_point time;
  alert::Hand how = alert::Hand::wrote;
  bool executable = false;  ///< the file had an x bit then
  FileTime ctime = 0;       ///< the file's, as it was seen then
};

/// The last deeds by file. Of a fixed size: of many files at a time the oldest are forgotten. Any thread; never waits
/// for slow work.
class WriterTable {
 public:
  explicit WriterTable(std::size_t sets = 4096);  // of eight

  void note(const FileVersion& file, Deed deed);
  /// Nothing for a file of another birth, whose number it has.
  [[nodiscard]] std::optional<Deed> find(const FileVersion& file) const;
  /// What was noted since that moment may be mixed up with what was lost.
  void forget_since(Wall::time_point then);

 private:
  struct Note {
    dev_t device = 0;
    ino_t inode = 0;  ///< 0: free
    FileTime birth = 0;
    Deed deed;
    [[nodiscard]] bool is_of(const FileVersion& file) const { return device == file.device && inode == file.inode; }
  };
  static constexpr std::size_t kWays = 8;
  [[nodiscard]] std::size_t index(const FileVersion& file) const;

  mutable std::mutex mutex_;
  std::vector<std::array<Note, kWays>> sets_;
};

}  // namespace holdfast::gate
