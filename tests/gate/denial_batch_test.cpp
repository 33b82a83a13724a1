#include "holdfast/gate/denial_batch.h"

#include <vector>

#include <doctest/doctest.h>

using namespace holdfast::gate;
using namespace std::chrono_literals;
using holdfast::Steady;

namespace {

/// What was given, and when.
struct Given {
  void note(const Pending& pending) {
    const std::lock_guard lock(mutex);
    inodes.push_back(pending.inode);
    last = Steady::now();
    changed.notify_all();
  }
  void wait_for(std::size_t number) {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 10s, [&] { return inodes.size() >= number; }));
  }
  std::size_t number() {
    const std::lock_guard lock(mutex);
    return inodes.size();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ino_t> inodes;
  Steady::time_point last;
};

std::shared_ptr<Pending> denial(ino_t inode) {
  auto pending = std::make_shared<Pending>();
  pending->inode = inode;
  return pending;
}

}  // namespace

TEST_SUITE("denials that are given together") {
  TEST_CASE("each is given once, in its turn, and no earlier than the first one's time") {
    Given given;
    DenialBatch batch([&](Pending& pending) { given.note(pending); });
    for (int round = 1; round <= 2; ++round) {
      const auto begin = Steady::now();
      for (ino_t i = 0; i < 100; ++i) batch.hold(denial(i));
      given.wait_for(100U * static_cast<unsigned>(round));
      CHECK(given.last - begin >= DenialBatch::kHeld);
      for (ino_t i = 0; i < 100; ++i) CHECK(given.inodes[given.inodes.size() - 100 + i] == i);
    }
  }

  TEST_CASE("who cannot wait for that is not made to") {
    Given given;
    DenialBatch batch([&](Pending& pending) { given.note(pending); });
    batch.hold(denial(1));
    batch.flush();
    CHECK(given.number() == 1);
    batch.hold(denial(2));
    batch.end();
    CHECK(given.number() == 2);
    batch.hold(denial(3));
    CHECK(given.number() == 3);
  }

  TEST_CASE("nobody is left over at the end") {
    Given given;
    {
      DenialBatch batch([&](Pending& pending) { given.note(pending); });
      batch.hold(denial(1));
    }
    CHECK(given.number() == 1);
  }
}
