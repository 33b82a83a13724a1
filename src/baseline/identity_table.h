#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/identity.h"
#include "holdfast/base/sha256.h"
#include "holdfast/baseline/baseline.h"

namespace holdfast::baseline {

/// What is recorded of one file before it becomes part of a table.
struct FileRecord {
  std::string_view path;
  Identity identity;
  mode_t mode = 0;
  bool code = false;    ///< executable or a shared object: may run
  bool proven = false;  ///< see HashedFile::proven
  std::optional<Sha256> sha256;
};

/// All files of one baseline in memory, sorted by path. Files never change once built; hashes and proofs are added by
/// any thread, without locks. Reads are wait-free: the gate's fast path ends here.
class IdentityTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  class Builder {
   public:
    /// False when the table is full: 2^24 files or 1 GiB of paths, more than any honest image has.
    [[nodiscard]] bool add(const FileRecord& file);
    [[nodiscard]] std::unique_ptr<IdentityTable> build() &&;

   private:
    friend class IdentityTable;
    struct Item {
      Identity identity;
      std::uint32_t path_offset, path_length;
      mode_t mode;
      bool code, proven;
      std::optional<Sha256> sha256;
    };
    std::string paths_;
    std::vector<Item> items_;
  };

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  [[nodiscard]] std::uint32_t code_count() const { return code_count_; }

  [[nodiscard]] std::string_view path(std::uint32_t file) const;
  [[nodiscard]] const Identity& identity(std::uint32_t file) const { return entries_[file].identity; }
  [[nodiscard]] mode_t mode(std::uint32_t file) const { return entries_[file].mode; }
  [[nodiscard]] bool code(std::uint32_t file) const { return entries_[file].slot != kNone; }
  [[nodiscard]] bool executable(std::uint32_t file) const { return (entries_[file].mode & 0111) != 0; }
  [[nodiscard]] bool proven(std::uint32_t file) const;
  [[nodiscard]] std::optional<Sha256> hash(std::uint32_t file) const;
  [[nodiscard]] ImageFile image_file(std::uint32_t file) const;

  /// The first writer wins; hard links share one hash. Only for code.
  void set_hash(std::uint32_t file, const Sha256& sha256, bool proven);

  /// Code with this identity, or kNone.
  [[nodiscard]] std::uint32_t find(const Identity& identity) const noexcept;
  [[nodiscard]] bool is_proven_code(const Identity& identity) const noexcept;
  /// Hard links share one role. Nothing until `remember_role`.
  [[nodiscard]] std::optional<kernel::ElfRole> role(const Identity& identity) const noexcept;
  void remember_role(const Identity& identity, kernel::ElfRole role) noexcept;
  [[nodiscard]] std::uint32_t find_path(std::string_view path) const;
  [[nodiscard]] bool has_size(std::uint64_t size) const noexcept { return !of_size(size).empty(); }
  /// Executables of this size.
  [[nodiscard]] std::span<const std::uint32_t> of_size(std::uint64_t size) const noexcept;
  /// One file for each distinct identity among the code: what there is to hash.
  [[nodiscard]] std::span<const std::uint32_t> distinct_code() const { return slot_owners_; }

 private:
  struct Entry {
    Identity identity;
    std::uint32_t path_offset, path_length;
    mode_t mode;
    std::uint32_t slot;  ///< into slots_; kNone: not code
  };
  struct Slot {
    enum : std::uint8_t { empty, writing, ready };
    Sha256 sha256{};
    std::atomic<std::uint8_t> state{empty};
    std::atomic<bool> proven{false};
    std::atomic<std::uint8_t> role{0};  ///< 0: not looked at yet; else one more than the kernel::ElfRole
  };

  IdentityTable() = default;
  void add_code(std::uint32_t file);
  void index_sizes();

  std::string paths_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slot_owners_;  ///< by slot
  std::unique_ptr<Slot[]> slots_;           ///< by slot
  std::vector<std::uint32_t> buckets_;      ///< open addressing, a power of two, at most half full: file or kNone
  std::vector<std::uint32_t> by_size_;      ///< executables
  std::uint32_t code_count_ = 0;
};

}  // namespace holdfast::baseline
