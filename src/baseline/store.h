#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "holdfast/base/identity.h"
#include "holdfast/base/result.h"
#include "holdfast/base/sha256.h"
#include "holdfast/baseline/baseline.h"
#include "holdfast/policy/override.h"
#include "holdfast/policy/sealed.h"

#include "identity_table.h"
#include "sqlite.h"
#include "statement.h"

namespace holdfast::baseline {

/// What the database knows of an image besides its files.
struct ImageRecord {
  std::string key;
  Kind kind = Kind::layers;
  std::vector<std::string> lower_paths;  ///< a snapshot's: its root
  std::vector<std::string> data_paths;
  bool metacopy = false;
  bool user_xattr = false;
  std::string redirect_dir;
};

struct StoredImage {
  ImageRecord record;
  bool complete = false;
  std::int64_t captured = 0, last_used = 0;  ///< seconds since the epoch
  std::uint64_t files = 0, bytes = 0;        ///< of code
  std::vector<std::string> references, digests;
};

/// A hash that holds for one version of one file, wherever it is part of an image.
struct CachedHash {
  std::uint64_t file_system = 0;
  Identity identity;
  Sha256 sha256{};
};

/// The database. Any thread; a call waits for others' calls. Lookups of cached hashes have a connection of their own
/// and never wait for a writer.
class Store {
 public:
  /// Creates the file with mode 0600. Refuses a corrupt or newer database with one sentence.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& path);

  /// Makes the image known if it is not, and notes that it is used now.
  [[nodiscard]] Result<void> touch(const ImageRecord& record);
  /// The files of a complete image; null if there is none.
  [[nodiscard]] Result<std::unique_ptr<IdentityTable>> load(const std::string& key);
  /// Writes all files of an image in one transaction and marks it complete.
  [[nodiscard]] Result<void> save(const ImageRecord& record, const IdentityTable& table);
  [[nodiscard]] Result<void> add_name(const std::string& key, const std::string& reference, const std::string& digest);
  [[nodiscard]] Result<std::vector<StoredImage>> images();
  [[nodiscard]] Result<std::optional<StoredImage>> image(const std::string& key);
  [[nodiscard]] Result<std::uint64_t> count_images();

  [[nodiscard]] std::optional<Sha256> cached(std::uint64_t file_system, const Identity& identity);
  /// Replaces what was cached for the same identities.
  [[nodiscard]] Result<void> cache(std::span<const CachedHash> hashes);

  /// Keys, references and digests of the images of `keys`, and of all complete ones with layers that have an executable
  /// of this content. Never waits for a writer.
  [[nodiscard]] Result<std::vector<std::string>> names_with_program(std::uint64_t size, const Sha256& sha256,
                                                                    std::vector<std::string> keys);

  /// When a service ran last, in seconds since the epoch; 0: never.
  [[nodiscard]] Result<std::int64_t> alive();
  [[nodiscard]] Result<void> set_alive(std::int64_t seconds);

  [[nodiscard]] Result<std::vector<policy::Override>> overrides();
  /// Replaces the target's.
  [[nodiscard]] Result<void> save_override(const policy::Override& one);
  [[nodiscard]] Result<void> remove_override(const policy::Override::Target& target);

  /// Those last seen, at most so many.
  [[nodiscard]] Result<std::vector<policy::Sealed>> sealed(std::size_t most);
  /// Replaces the root's.
  [[nodiscard]] Result<void> save_sealed(const policy::Sealed& one);
  /// Removes those last seen before.
  [[nodiscard]] Result<void> prune_sealed(std::int64_t before);

  /// Removes images last used before `before` that `in_use` does not name, and hashes that no image has.
  [[nodiscard]] Result<std::uint64_t> prune(std::int64_t before, const std::function<bool(const std::string&)>& in_use);

 private:
  Store(Database writer, Database reader, Statement find_hash)
      : writer_(std::move(writer)), reader_(std::move(reader)), find_hash_(std::move(find_hash)) {}
  [[nodiscard]] Result<void> upsert(const ImageRecord& record);
  [[nodiscard]] Result<std::vector<StoredImage>> select_images(std::string_view where, const std::string* key);
  [[nodiscard]] Result<void> add_names(std::vector<StoredImage>& images);

  std::mutex write_mutex_;
  Database writer_;
  std::mutex read_mutex_;
  Database reader_;
  Statement find_hash_;  ///< of reader_
};

}  // namespace holdfast::baseline
