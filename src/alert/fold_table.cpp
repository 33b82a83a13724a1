#include "fold_table.h"

#include <fmt/format.h>

namespace holdfast::alert {
namespace {

std::size_t bytes_of(const std::vector<std::string>& strings) {
  std::size_t bytes = 0;
  for (const std::string& string : strings) bytes += sizeof(std::string) + string.size();
  return bytes;
}

std::size_t bytes_of(const ProcessInfo& process) {
  return sizeof process + process.exe.size() + process.cwd.size() + process.tty.size() + bytes_of(process.cmdline);
}

std::size_t bytes_of(const WriterInfo& writer) {
  std::size_t bytes = sizeof writer + writer.exe.size() + writer.package_manager.size() + bytes_of(writer.cmdline);
  for (const ProcessInfo& ancestor : writer.ancestors) bytes += bytes_of(ancestor);
  return bytes;
}

}  // namespace

std::optional<std::string> fold_key(const Alert& alert) {
  if (alert.kind != Kind::drift) return std::nullopt;
  const FileInfo file = alert.file.value_or(FileInfo{});
  std::string key = alert.container ? alert.container->id + '\0' + alert.container->name : std::string();
  for (const std::string* part : {&alert.reason, &alert.verdict, &file.path, &file.layer}) (key += '\0') += *part;
  if (alert.process) (key += '\0') += alert.process->exe;
  key += fmt::format("\1{} {} {}", file.size.value_or(0), file.mtime.value_or(0), file.ctime.value_or(0));
  return key;
}

std::size_t bytes_of(const Alert& alert) {
  std::size_t bytes = sizeof alert + alert.message.size() + alert.rule.size() + alert.policy.size();
  if (alert.container) {
    const ContainerInfo& container = *alert.container;
    bytes += container.id.size() + container.name.size() + container.image.size() + container.image_digest.size() +
             container.runtime.size() + container.name_space.size() + container.pod.size();
  }
  if (alert.file) bytes += alert.file->path.size() + alert.file->sha256.size() + alert.file->mount.size();
  if (alert.process) bytes += bytes_of(*alert.process);
  for (const ProcessInfo& ancestor : alert.ancestors) bytes += bytes_of(ancestor);
  for (const auto* writer : {&alert.writer, &alert.made_executable}) {
    if (*writer) bytes += bytes_of(**writer);
  }
  return bytes;
}

FoldTable::Outcome FoldTable::fold(const std::string& key, Alert& alert, bool has_room) {
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return Outcome::unknown;
  Attempt& attempt = found->second;
  if (!has_room && !attempt.latest) return Outcome::no_room;
  ++attempt.repeats;
  if (has_room) {
    if (attempt.latest) bytes_ -= alert::bytes_of(*attempt.latest);
    bytes_ += alert::bytes_of(alert);
    attempt.latest = std::move(alert);
  }
  return Outcome::folded;
}

void FoldTable::remember(std::string key, Steady::time_point now) {
  if (attempts_.size() >= capacity_) return;
  by_end_.push_back(attempts_.end());  // first, so that lack of memory leaves no attempt that never ends
  try {
    by_end_.back() = attempts_.try_emplace(std::move(key), Attempt{now + span_, std::nullopt, 0}).first;
  } catch (...) {
    by_end_.pop_back();
    throw;
  }
  bytes_ += sizeof(Attempt) + by_end_.back()->first.size();
}

std::vector<Alert> FoldTable::take_ended(Steady::time_point now) {
  std::vector<Alert> reports;
  while (!by_end_.empty() && by_end_.front()->second.end <= now) {
    const auto ended = by_end_.front();
    by_end_.pop_front();
    Attempt& attempt = ended->second;
    bytes_ -= sizeof(Attempt) + ended->first.size();
    if (attempt.latest) {
      bytes_ -= alert::bytes_of(*attempt.latest);
      attempt.latest->repeats = attempt.repeats;
      reports.push_back(*std::move(attempt.latest));
    }
    attempts_.erase(ended);
  }
  return reports;
}

std::optional<Steady::time_point> FoldTable::next_end() const {
  if (by_end_.empty()) return std::nullopt;
  return by_end_.front()->second.end;
}

}  // namespace holdfast::alert
