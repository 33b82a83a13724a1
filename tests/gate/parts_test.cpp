#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "holdfast/gate/counters.h"
#include "holdfast/gate/fair_queue.h"
#include "holdfast/gate/runtime_binaries.h"

using namespace holdfast::gate;
using namespace std::chrono_literals;

TEST_CASE("each container gets its turn, however long another one's queue is") {
  FairQueue<int, std::shared_ptr<int>> queue;
  for (int i = 0; i < 100; ++i) queue.push(1, std::make_shared<int>(i));
  queue.push(2, std::make_shared<int>(1000));
  CHECK(*queue.pop() == 0);
  CHECK(*queue.pop() == 1000);
  CHECK(*queue.pop() == 1);
  CHECK(queue.size() == 98);
  CHECK(queue.load_of(1).waiting == 98);
  CHECK(queue.load_of(2).waiting == 0);
  CHECK(queue.load_of(2).lanes == 1);
  queue.close();
  CHECK(queue.pop() == nullptr);
}

TEST_CASE("a lane that was charged rests, while another one goes on, and not beyond what its items can wait") {
  FairQueue<int, std::shared_ptr<int>> queue({.rest = 2, .burst = 10ms});
  using Clock = holdfast::Steady;
  const auto begin = Clock::now();
  queue.charge(1, 5ms);  // within the burst
  queue.push(1, std::make_shared<int>(0));
  CHECK(*queue.pop() == 0);
  CHECK_FALSE(queue.is_charged(2));
  queue.charge(1, 50ms);
  CHECK(queue.is_charged(1));
  queue.push(1, std::make_shared<int>(1));
  queue.push(2, std::make_shared<int>(2));
  CHECK(*queue.pop() == 2);
  CHECK(*queue.pop() == 1);
  CHECK(Clock::now() - begin >= 90ms);

  queue.charge(1, 1h);
  const auto latest = Clock::now() + 30ms;
  queue.push(1, std::make_shared<int>(3), latest);
  CHECK(*queue.pop() == 3);
  CHECK(Clock::now() >= latest);
}

TEST_CASE("latency quantiles are within a quarter of the truth") {
  LatencyHistogram histogram;
  for (int us = 1; us <= 1000; ++us) histogram.record(std::chrono::microseconds(us));
  CHECK(histogram.count() == 1000);
  CHECK(histogram.max() == 1000us);
  for (const double q : {0.5, 0.9, 0.99}) {
    const double truth = q * 1000.0 * 1000.0;
    const auto estimate = static_cast<double>(histogram.quantile(q).count());
    CHECK(estimate >= truth * 0.99);
    CHECK(estimate <= truth * 1.26);
  }
}

TEST_CASE("a latency beyond every bucket still counts") {
  LatencyHistogram histogram;
  histogram.record(std::chrono::hours(100'000));
  histogram.record(-5ns);
  CHECK(histogram.count() == 2);
  CHECK(histogram.quantile(1.0) <= histogram.max());
}

TEST_CASE("a runtime that is replaced by an upgrade is noticed, one that stays is not") {
  std::string directory = "/tmp/holdfast-runtimes.XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/myruntime";
  std::ofstream(path) << "one";
  RuntimeBinaries binaries({directory + "/my*"});
  CHECK(binaries.refresh());
  CHECK_FALSE(binaries.refresh());
  const auto before = binaries.identities();
  std::ofstream(path + ".new") << "two";
  std::filesystem::rename(path + ".new", path);
  CHECK(binaries.refresh());
  CHECK(binaries.identities() != before);
  CHECK(binaries.identities().size() == before.size());
  CHECK(binaries.gone().size() == 1);
  binaries.set_extra({});
  CHECK(binaries.refresh());
  CHECK(binaries.gone().size() == 1);
  CHECK(binaries.identities().size() == before.size() - 1);
  CHECK_FALSE(binaries.refresh());
  CHECK(binaries.gone().empty());
  std::filesystem::remove_all(directory);
}
