#include "holdfast/daemon/handover.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace holdfast::daemon {
namespace {

constexpr const char* kGroupName = "holdfast-group";
constexpr const char* kTableName = "holdfast-events";

/// What was passed to us, by name; the last of a name counts, the others are closed.
std::map<std::string, UniqueFd> take_passed() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  std::map<std::string, UniqueFd> passed;
  for (int i = 0; i < count; ++i) {
    UniqueFd fd(SD_LISTEN_FDS_START + i);
    (void)::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    passed.insert_or_assign(names[i], std::move(fd));
    std::free(names[i]);
  }
  std::free(names);
  return passed;
}

void send(const char* message, int fd) { (void)::sd_pid_notify_with_fds(0, 0, message, &fd, 1); }

void remove_stored(const char* name) { (void)::sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name).c_str()); }

UniqueFd take(std::map<std::string, UniqueFd>& passed, const char* name) {
  const auto found = passed.find(name);
  return found == passed.end() ? UniqueFd() : std::move(found->second);
}

/// To a number that no event in hand has.
UniqueFd move_above(UniqueFd fd, int number) {
  UniqueFd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, number + 1));
  return moved ? std::move(moved) : std::move(fd);
}

/// Holds the numbers, so that the kernel does not give one to a new event while an old one waits under it. What cannot
/// be held (beyond our limit) is given to no event either.
void hold_numbers(std::vector<gate::InHand>& in_hand) {
  if (in_hand.empty()) return;
  const int highest = std::ranges::max_element(in_hand, {}, &gate::InHand::number)->number;
  const UniqueFd nothing = move_above(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), highest);
  std::erase_if(in_hand, [&](const gate::InHand& one) {
    return ::fcntl(one.number, F_GETFD) >= 0 || ::dup3(nothing.get(), one.number, O_CLOEXEC) < 0;
  });
}

/// Answers everything that waits under any number; returns how many did.
std::size_t answer_all(const kernel::FanotifyGroup& group, bool allow) {
  std::size_t answered = 0;
  for (int number = 0; static_cast<std::size_t>(number) < gate::EventTable::kNumbers; ++number) {
    if (group.respond(number, allow)) ++answered;
  }
  return answered;
}

/// Without a table nothing is known of what is in hand.
void answer_blindly(Handover& handover, const std::string& why, bool allow) {
  const auto answered = answer_all(*handover.group, allow);
  handover.problems.push_back(
      fmt::format("the table of events that the last service had in hand cannot be used: {}; {} of them were {} by "
                  "configuration",
                  why, answered, allow ? "allowed" : "denied"));
  remove_stored(kTableName);
}

void take_events(Handover& handover, bool allow) {
  auto& table = *handover.table;
  handover.notifications = table.notifications().load();
  handover.alive = Wall::time_point(std::chrono::nanoseconds(table.alive().load()));
  const auto all = table.take_over();
  handover.in_hand = all;
  hold_numbers(handover.in_hand);
  std::size_t answered = 0;
  for (const auto& one : all) {
    if (std::ranges::any_of(handover.in_hand, [&](const auto& held) { return held.number == one.number; })) continue;
    if (handover.group->respond(one.number, allow)) ++answered;
    table.clear(one.number);
  }
  if (answered == 0) return;
  handover.problems.push_back(
      fmt::format("{} events that the last service had in hand have numbers that this one cannot hold; they were {} by "
                  "configuration",
                  answered, allow ? "allowed" : "denied"));
}

/// 512 KiB of the kernel's memory; more than this many are open only when very many executions are in hand.
constexpr rlim_t kRoomAtOnce = 65'536;

void make_room(rlim_t descriptors) {
  const UniqueFd some(::open("/", O_PATH | O_CLOEXEC));
  const UniqueFd highest(
      ::fcntl(some.get(), F_DUPFD_CLOEXEC, static_cast<int>(std::min(descriptors, kRoomAtOnce)) - 1));
}

}  // namespace

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  // Each event's number has a place in the table.
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, gate::EventTable::kNumbers);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  make_room(limit.rlim_cur);
  return static_cast<std::size_t>(limit.rlim_cur);
}

Handover take_handover(bool allow) {
  Handover handover;
  auto passed = take_passed();
  if (passed.empty()) return handover;
  (void)raise_descriptor_limit();
  auto file = take(passed, kTableName);
  auto table = file ? gate::EventTable::adopt(std::move(file)) : Result<gate::EventTable>(Error{0, "it is lost"});
  // Nothing of ours may lie where an event in hand does, or come to lie there.
  const int highest = table ? table->numbers_used() : 0;
  auto group = kernel::FanotifyGroup::adopt(move_above(take(passed, kGroupName), highest));
  if (!group) {
    handover.problems.push_back(
        fmt::format("the last service's fanotify group cannot be taken over: {}; who waited "
                    "for it goes on",
                    group.error().message));
    empty_store();
    return handover;
  }
  handover.group.emplace(std::move(*group));
  if (table) {
    table->move_above(highest);
    handover.table.emplace(std::move(*table));
    take_events(handover, allow);
  } else {
    answer_blindly(handover, table.error().message, allow);
  }
  return handover;
}

bool has_store() { return std::getenv("NOTIFY_SOCKET") != nullptr; }

void store(const kernel::FanotifyGroup& group, const gate::EventTable& table) {
  // The table first: a group without one is answered blindly.
  send(fmt::format("FDSTORE=1\nFDNAME={}\nFDPOLL=0", kTableName).c_str(), table.fd());
  send(fmt::format("FDSTORE=1\nFDNAME={}\nFDPOLL=0", kGroupName).c_str(), group.fd());
}

void empty_store() {
  for (const char* name : {kGroupName, kTableName}) remove_stored(name);
}

}  // namespace holdfast::daemon
