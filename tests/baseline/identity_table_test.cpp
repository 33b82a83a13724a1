#include "../../src/baseline/identity_table.h"

#include <thread>

#include <doctest/doctest.h>

#include "../../src/baseline/hasher.h"
#include "../../src/baseline/proof.h"

using namespace holdfast;
using namespace holdfast::baseline;

namespace {

Identity identity_number(std::uint64_t n) { return {n, n % 100, 5, static_cast<FileTime>(n)}; }

std::unique_ptr<IdentityTable> table_of(const std::vector<FileRecord>& files) {
  IdentityTable::Builder builder;
  for (const FileRecord& file : files) REQUIRE(builder.add(file));
  return std::move(builder).build();
}

}  // namespace

TEST_CASE("every recorded identity is found, and none that differs in one field") {
  IdentityTable::Builder builder;
  for (std::uint64_t n = 1; n <= 5000; ++n) {
    REQUIRE(builder.add({"/bin/" + std::to_string(n), identity_number(n), 0100755, true, true, std::nullopt}));
  }
  const auto table = std::move(builder).build();
  CHECK(table->code_count() == 5000);
  for (std::uint64_t n = 1; n <= 5000; ++n) {
    const Identity identity = identity_number(n);
    REQUIRE(table->is_proven_code(identity));
    for (const Identity& other : {Identity{identity.inode + 5000, identity.size, identity.mtime, identity.ctime},
                                  Identity{identity.inode, identity.size + 1, identity.mtime, identity.ctime},
                                  Identity{identity.inode, identity.size, identity.mtime + 1, identity.ctime},
                                  Identity{identity.inode, identity.size, identity.mtime, identity.ctime + 1}}) {
      REQUIRE(!table->is_proven_code(other));
    }
  }
}

TEST_CASE("an identity that its ctime does not prove never passes for image code until a hash proved it") {
  const auto table = table_of({{"/bin/new", identity_number(1), 0100755, true, false, std::nullopt}});
  CHECK(!table->is_proven_code(identity_number(1)));
  CHECK(table->find(identity_number(1)) == 0);
  table->set_hash(0, hash_bytes("a"), false);
  CHECK(!table->is_proven_code(identity_number(1)));
  table->set_hash(0, hash_bytes("b"), true);  // proves other bytes than those on record
  CHECK(!table->is_proven_code(identity_number(1)));
  table->set_hash(0, hash_bytes("a"), true);
  CHECK(table->is_proven_code(identity_number(1)));
}

TEST_CASE("a ctime of the last milliseconds, or of the future, is no proof") {
  const FileTime now = 1'000'000'000'000;
  CHECK(proven_at({1, 1, 0, now - 21'000'000}, now));
  CHECK(!proven_at({1, 1, 0, now - 19'000'000}, now));
  CHECK(!proven_at({1, 1, 0, now + 1}, now));
  CHECK(proven_at({1, 1, 0, -5}, now));
}

TEST_CASE("files that are not code are known by path only") {
  const auto table = table_of({{"/etc/passwd", identity_number(7), 0100644, false, true, std::nullopt},
                               {"/bin/sh", identity_number(8), 0100755, true, true, std::nullopt}});
  CHECK(!table->is_proven_code(identity_number(7)));
  CHECK(table->find(identity_number(7)) == IdentityTable::kNone);
  REQUIRE(table->find_path("/etc/passwd") != IdentityTable::kNone);
  CHECK(table->find_path("/etc/passwd2") == IdentityTable::kNone);
  CHECK(table->find_path("/bin/sh") != IdentityTable::kNone);
  CHECK(table->code_count() == 1);
}

TEST_CASE("hard links are one file to hash") {
  const auto table = table_of({{"/bin/b", identity_number(3), 0100755, true, true, std::nullopt},
                               {"/bin/a", identity_number(3), 0100755, true, true, std::nullopt}});
  REQUIRE(table->distinct_code().size() == 1);
  table->set_hash(table->distinct_code().front(), hash_bytes("x"), true);
  CHECK(table->image_file(0).sha256 == hash_bytes("x"));
  CHECK(table->image_file(1).sha256 == hash_bytes("x"));
  CHECK(table->code_count() == 2);
}

TEST_CASE("sizes are those of executables") {
  const auto table = table_of({{"/bin/a", {1, 10, 0, 0}, 0100755, true, true, std::nullopt},
                               {"/bin/b", {2, 10, 0, 0}, 0100755, true, true, std::nullopt},
                               {"/lib/l.so", {3, 30, 0, 0}, 0100644, true, true, std::nullopt}});
  CHECK(table->has_size(10));
  CHECK(table->of_size(10).size() == 2);
  CHECK(!table->has_size(30));
  CHECK(!table->has_size(11));
}

TEST_CASE("what the kernel makes of a file is remembered for all its hard links, and for nothing else") {
  const auto table = table_of({{"/bin/a", identity_number(1), 0100755, true, true, std::nullopt},
                               {"/bin/b", identity_number(1), 0100755, true, true, std::nullopt},
                               {"/bin/c", identity_number(2), 0100755, true, true, std::nullopt}});
  CHECK(!table->role(identity_number(1)));
  table->remember_role(identity_number(1), kernel::ElfRole::other);
  table->remember_role(identity_number(3), kernel::ElfRole::loader);
  CHECK(table->role(identity_number(1)) == kernel::ElfRole::other);
  CHECK(!table->role(identity_number(2)));
  CHECK(!table->role(identity_number(3)));
}

TEST_CASE("an empty table knows nothing") {
  const auto table = table_of({});
  CHECK(!table->is_proven_code({}));
  CHECK(table->find_path("/") == IdentityTable::kNone);
  CHECK(!table->has_size(0));
}

TEST_CASE("readers see a hash whole or not at all while threads race to write it") {
  const auto table = table_of({{"/bin/a", identity_number(1), 0100755, true, false, std::nullopt}});
  const Sha256 first = hash_bytes("first");
  const Sha256 second = hash_bytes("second");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { table->set_hash(0, i % 2 == 0 ? first : second, true); });
  }
  for (int i = 0; i < 1000; ++i) {
    if (const auto seen = table->hash(0)) REQUIRE((*seen == first || *seen == second));
    static_cast<void>(table->is_proven_code(identity_number(1)));
  }
  threads.clear();
  CHECK(table->is_proven_code(identity_number(1)));
}
