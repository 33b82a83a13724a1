#include "holdfast/alert/queue.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "example.h"

using namespace holdfast;
using namespace holdfast::alert;
using namespace std::chrono_literals;

namespace {

/// What a fake sink has taken, and how the test makes it wait or fail. Outlives the queue.
class Written {
 public:
  bool take(const Alert& alert) {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !blocked_; });
    if (fails_ && fails_(alert)) return false;
    alerts_.push_back(alert);
    changed_.notify_all();
    return true;
  }

  void block(bool blocked) {
    const std::lock_guard lock(mutex_);
    blocked_ = blocked;
    changed_.notify_all();
  }
  void fail(std::function<bool(const Alert&)> fails) {
    const std::lock_guard lock(mutex_);
    fails_ = std::move(fails);
  }
  [[nodiscard]] std::vector<Alert> alerts() {
    const std::lock_guard lock(mutex_);
    return alerts_;
  }
  [[nodiscard]] bool await_alerts(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return alerts_.size() >= count; });
  }
  [[nodiscard]] bool await_begun(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return begun_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Alert> alerts_;
  std::size_t begun_ = 0;
  std::function<bool(const Alert&)> fails_;
  bool blocked_ = false;
};

class FakeSink final : public Sink {
 public:
  explicit FakeSink(std::shared_ptr<Written> record) : record_(std::move(record)) {}
  bool write(const Alert& alert) override { return record_->take(alert); }
  [[nodiscard]] std::string name() const override { return "fake"; }

 private:
  std::shared_ptr<Written> record_;
};

std::vector<std::unique_ptr<Sink>> sinks(std::initializer_list<std::shared_ptr<Written>> records) {
  std::vector<std::unique_ptr<Sink>> all;
  for (const auto& record : records) all.push_back(std::make_unique<FakeSink>(record));
  return all;
}

Alert attempt(int number) {
  Alert alert = example_alert();
  alert.file->path = "/tmp/" + std::to_string(number);
  return alert;
}

struct Told {
  std::uint64_t alerts = 0, attempts = 0, lost = 0;
};

/// Adds up what a sink was told: drift alerts, the attempts they stand for, and the losses.
Told told(Written& record) {
  Told sum;
  for (const Alert& alert : record.alerts()) {
    if (alert.kind == Kind::service) {
      CHECK(alert.message.find("lost") != std::string::npos);
      sum.lost += std::stoull(alert.message);
    } else {
      ++sum.alerts;
      sum.attempts += alert.repeats == 0 ? 1 : alert.repeats;
    }
  }
  return sum;
}

void check_balance(const QueueCounters& c) { CHECK(c.accepted == c.delivered + c.folded + c.lost + c.waiting); }

}  // namespace

TEST_CASE("ten thousand identical attempts are one alert at once and their number later") {
  auto record = std::make_shared<Written>();
  {
    Queue queue(sinks({record}), {});
    queue.push(attempt(1));
    REQUIRE(record->await_alerts(1));
    CHECK(record->alerts()[0].repeats == 0);
    for (int i = 1; i < 10'000; ++i) {
      Alert again = attempt(1);
      again.time += std::chrono::milliseconds(i);
      again.process->pid = i;
      queue.push(std::move(again));
    }
    CHECK(queue.counters().folded == 9'999);
    CHECK(queue.counters().accepted == 10'000);
    check_balance(queue.counters());
    CHECK(record->alerts().size() == 1);
  }
  const auto alerts = record->alerts();
  REQUIRE(alerts.size() == 2);
  CHECK(alerts[1].repeats == 9'999);
  CHECK(alerts[1].time == attempt(1).time + 9'999ms);  // the latest attempt's fields
  CHECK(alerts[1].process->pid == 9'999);
}

TEST_CASE("folded attempts are reported when their span ends, and not when there were none") {
  auto record = std::make_shared<Written>();
  Queue::Limits limits;
  limits.fold_for = 50ms;
  Queue queue(sinks({record}), limits);
  record->block(true);  // until all are pushed, however slow this machine is
  queue.push(attempt(1));
  REQUIRE(record->await_begun(1));
  queue.push(attempt(2));
  queue.push(attempt(1));
  record->block(false);
  REQUIRE(record->await_alerts(3));
  CHECK(record->alerts()[2].file->path == "/tmp/1");
  CHECK(record->alerts()[2].repeats == 1);
  queue.push(attempt(1));  // its span is over: a first attempt again
  REQUIRE(record->await_alerts(4));
  CHECK(record->alerts()[3].repeats == 0);
}

TEST_CASE("attempts that differ in any way that matters are not folded") {
  auto record = std::make_shared<Written>();
  const std::vector<std::function<void(Alert&)>> changes = {
      [](Alert&) {},
      [](Alert& a) { a.container->id = "other"; },
      [](Alert& a) { a.reason = "modified"; },
      [](Alert& a) { a.verdict = "allow"; },
      [](Alert& a) { a.file->path = "/tmp/y"; },
      [](Alert& a) { a.file->size = 13; },
      [](Alert& a) { a.file->mtime = 1; },
      [](Alert& a) { a.file->ctime = 1; },
      [](Alert& a) { a.process->exe = "/bin/bash"; },
      [](Alert& a) { a.kind = Kind::exposure; },
      [](Alert& a) { a.kind = Kind::exposure; },
  };
  {
    Queue queue(sinks({record}), {});
    for (const auto& change : changes) {
      Alert alert = example_alert();
      change(alert);
      queue.push(std::move(alert));
    }
  }
  CHECK(record->alerts().size() == changes.size());
}

TEST_CASE("of ten thousand different attempts each is delivered or counted as lost") {
  auto record = std::make_shared<Written>();
  record->block(true);
  Queue::Limits limits;
  limits.capacity = 1000;
  {
    Queue queue(sinks({record}), limits);
    queue.push(attempt(0));
    REQUIRE(record->await_begun(1));  // the queue's thread hangs in the sink now
    for (int i = 1; i < 10'000; ++i) queue.push(attempt(i));
    const auto counters = queue.counters();
    CHECK(counters.lost == 10'000 - 1001);
    CHECK(counters.waiting == 1001);
    check_balance(counters);
    record->block(false);
    REQUIRE(record->await_alerts(1001 + 1));
  }
  const Told sum = told(*record);
  CHECK(sum.alerts + sum.lost == 10'000);
  CHECK(sum.lost == 8'999);
  CHECK(record->alerts()[1].message == "8999 alerts were lost: queue full");  // as soon as there was room
}

TEST_CASE("long arguments cannot fill the memory") {
  auto record = std::make_shared<Written>();
  record->block(true);
  Queue::Limits limits;
  limits.byte_capacity = 1'000'000;
  {
    Queue queue(sinks({record}), limits);
    queue.push(attempt(0));
    REQUIRE(record->await_begun(1));
    for (int i = 1; i < 100; ++i) {
      Alert large = attempt(i);
      large.process->cmdline = {std::string(100'000, 'x')};
      queue.push(std::move(large));
    }
    CHECK(queue.counters().waiting <= 11);
    CHECK(queue.counters().lost >= 89);
    check_balance(queue.counters());
    record->block(false);
  }
  const Told sum = told(*record);
  CHECK(sum.alerts + sum.lost == 100);
}

TEST_CASE("a full folding table means more alerts, not lost ones") {
  auto record = std::make_shared<Written>();
  Queue::Limits limits;
  limits.fold_capacity = 10;
  {
    Queue queue(sinks({record}), limits);
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 100; ++i) queue.push(attempt(i));
    }
    CHECK(queue.counters().folded == 10);
  }
  CHECK(told(*record).attempts == 200);
}

TEST_CASE("what a failing sink did not take is told when it works again, and other sinks miss nothing") {
  auto failing = std::make_shared<Written>();
  auto working = std::make_shared<Written>();
  {
    Queue queue(sinks({failing, working}), {});
    failing->fail([](const Alert&) { return true; });
    queue.push(attempt(1));
    queue.push(attempt(2));
    REQUIRE(working->await_alerts(2));
    failing->fail({});
    queue.push(attempt(3));
    REQUIRE(failing->await_alerts(2));
    REQUIRE(working->await_alerts(3));
  }
  CHECK(failing->alerts()[0].message == "2 alerts were lost: fake could not be written");
  CHECK(failing->alerts()[1].file->path == "/tmp/3");
  CHECK(told(*working).alerts == 3);
  CHECK(told(*working).lost == 0);
}

TEST_CASE("a loss is told even when no alert comes after it") {
  auto record = std::make_shared<Written>();
  Queue queue(sinks({record}), {});
  record->fail([](const Alert& alert) { return alert.kind == Kind::drift; });
  queue.push(attempt(1));
  REQUIRE(record->await_alerts(1));
  CHECK(record->alerts()[0].message == "1 alert was lost: fake could not be written");
  CHECK(queue.counters().lost == 1);
  check_balance(queue.counters());
}

TEST_CASE("folded attempts whose report cannot be written are lost, and counted") {
  auto record = std::make_shared<Written>();
  Queue::Limits limits;
  limits.fold_for = 50ms;
  record->fail([](const Alert& alert) { return alert.repeats > 0; });
  record->block(true);
  Queue queue(sinks({record}), limits);
  queue.push(attempt(1));
  REQUIRE(record->await_begun(1));
  for (int i = 0; i < 5; ++i) queue.push(attempt(1));
  record->block(false);
  REQUIRE(record->await_alerts(2));
  CHECK(record->alerts()[1].message == "5 alerts were lost: fake could not be written");
  CHECK(queue.counters().lost == 5);
  CHECK(queue.counters().folded == 0);
  check_balance(queue.counters());
}

TEST_CASE("pushing never waits for a sink, and ending gives up on a stuck one") {
  auto record = std::make_shared<Written>();
  record->block(true);
  auto began = Steady::now();
  {
    Queue queue(sinks({record}), {});
    queue.push(attempt(0));
    REQUIRE(record->await_begun(1));
    began = Steady::now();
    for (int i = 1; i < 1000; ++i) queue.push(attempt(i));
    CHECK(Steady::now() - began < 1s);
    began = Steady::now();
  }
  const auto took = Steady::now() - began;
  CHECK(took >= 1900ms);
  CHECK(took < 4s);
  record->block(false);  // the thread left behind takes its alert home and ends
  REQUIRE(record->await_alerts(1));
}

TEST_CASE("a queue without sinks takes everything") {
  Queue queue({}, {});
  for (int i = 0; i < 100; ++i) queue.push(attempt(i));
  CHECK(queue.counters().lost == 0);
}
