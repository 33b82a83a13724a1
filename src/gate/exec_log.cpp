#include "holdfast/gate/exec_log.h"

#include <algorithm>

namespace holdfast::gate {
namespace {

constexpr std::size_t kSets = 2048;  // of eight: 16,384 notes, 640 KiB

}  // namespace

ExecLog::ExecLog() : sets_(kSets) {}

std::size_t ExecLog::index(pid_t pid, dev_t device, ino_t inode) {
  std::uint64_t h = static_cast<std::uint64_t>(pid) * 0x9e3779b97f4a7c15U;
  h = (h ^ (h >> 32) ^ device) * 0xd6e8feb86659fd93U;
  h = (h ^ (h >> 32) ^ inode) * 0xd6e8feb86659fd93U;
  return static_cast<std::size_t>(h >> 40) % kSets;
}

ExecLog::Note* ExecLog::find(pid_t pid, dev_t device, ino_t inode) {
  Set& set = sets_[index(pid, device, inode)];
  const auto found =
      std::find_if(set.begin(), set.end(), [&](const Note& note) { return note.is_of(pid, device, inode); });
  return found == set.end() ? nullptr : &*found;
}

ExecLog::Note& ExecLog::find_or_make(pid_t pid, dev_t device, ino_t inode, Steady::time_point now) {
  Note* place = find(pid, device, inode);
  if (place == nullptr) {
    Set& set = sets_[index(pid, device, inode)];
    place = std::min_element(set.begin(), set.end(), [](const Note& a, const Note& b) { return a.at < b.at; });
    *place = {pid, 0, 0, device, inode, now};
  }
  if (now - place->at > kCounts) place->open = place->told = 0;  // executions, or events, that never came
  place->at = now;
  return *place;
}

void ExecLog::note(pid_t pid, dev_t device, ino_t inode, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  ++find_or_make(pid, device, inode, now).open;
}

bool ExecLog::note_unless_told(pid_t pid, dev_t device, ino_t inode, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  Note& note = find_or_make(pid, device, inode, now);
  if (note.told > 0) {
    --note.told;
    return false;
  }
  ++note.open;
  return true;
}

void ExecLog::take_back(pid_t pid, dev_t device, ino_t inode) {
  const std::lock_guard lock(mutex_);
  Note* const note = find(pid, device, inode);
  if (note == nullptr) return;
  if (note->open > 0) --note->open;
  if (note->open == 0 && note->told == 0) *note = {};
}

bool ExecLog::take_open(pid_t pid, dev_t device, ino_t inode, Steady::time_point now) {
  Note* const note = find(pid, device, inode);
  if (note == nullptr || note->open == 0 || now - note->at > kCounts) return false;
  --note->open;
  return true;
}

bool ExecLog::seen(pid_t pid, dev_t device, ino_t inode, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  return take_open(pid, device, inode, now);
}

bool ExecLog::seen_or_tell(pid_t pid, dev_t device, ino_t inode, Steady::time_point now) {
  const std::lock_guard lock(mutex_);
  if (take_open(pid, device, inode, now)) return true;
  ++find_or_make(pid, device, inode, now).told;
  return false;
}

bool ExecLog::seen_since(pid_t pid, dev_t device, ino_t inode, Steady::time_point start) {
  const std::lock_guard lock(mutex_);
  const Note* const note = find(pid, device, inode);
  return note != nullptr && note->at >= start;
}

void ExecLog::tell(pid_t pid) {
  const std::lock_guard lock(mutex_);
  told_[next_told_] = {pid, Steady::now()};
  next_told_ = (next_told_ + 1) % kMostTold;
}

bool ExecLog::told(pid_t pid) {
  constexpr auto kLately = std::chrono::seconds(2);
  const std::lock_guard lock(mutex_);
  const auto now = Steady::now();
  return std::any_of(told_.begin(), told_.end(),
                     [&](const Told& one) { return one.pid == pid && now - one.at <= kLately; });
}

}  // namespace holdfast::gate
