#include "holdfast/verdict/suggest.h"

#include <algorithm>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/policy/load.h"
#include "holdfast/policy/reason.h"

#include "possible_facts.h"

namespace holdfast::verdict {
namespace {

constexpr std::size_t kMostPrograms = 8;  // that a comment names

std::uint64_t attempts_of(const alert::Alert& alert) { return std::max<std::uint64_t>(alert.repeats, 1); }

std::string times(std::uint64_t attempts) { return fmt::format("{} attempt{}", attempts, attempts == 1 ? "" : "s"); }

/// For a comment: one line, whatever is in it.
std::string in_comment(std::string_view text) { return shorten(printable(text), 1024); }

std::string list_of(const std::set<std::string>& all) {
  std::string out;
  for (const auto& one : all) out += (out.empty() ? "" : ", ") + in_comment(one);
  return out;
}

void note_program(std::set<std::string>& all, const std::string& program) {
  if (!program.empty() && all.size() < kMostPrograms) all.insert(program);
}

/// "miner-3fb2a9c1": what people and journals can read, whatever the file is called.
std::string section_name(const std::string& path, const std::string& sha256) {
  constexpr std::size_t kLongest = 40;
  constexpr std::size_t kDigits = 8;
  std::string name;
  for (const char c : path.substr(path.rfind('/') + 1)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (plain && name.size() < kLongest) name += c;
  }
  return fmt::format("{}{}{}", name, name.empty() ? "" : "-", sha256.substr(0, kDigits));
}

}  // namespace

std::optional<std::string> exact_glob(std::string_view path) {
  // Bytes that would end the line, or that nobody could see what they are.
  std::string shown(path);
  std::erase(shown, '\\');
  if (path.empty() || path.front() != '/' || printable(shown) != shown) return std::nullopt;
  std::string glob;
  for (const char c : path) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  // A value's blanks at its end are not its own.
  if (glob.ends_with(' ')) glob.replace(glob.size() - 1, 1, "[ ]");
  // What the kernel never writes, like "//", no rule may hold.
  const auto policy = policy::parse_policy(fmt::format("[Allow x]\nPath={}\n", glob), "x");
  const bool kept = policy && policy->allows.front().paths == std::vector<std::string>{glob};
  return kept ? std::optional(glob) : std::nullopt;
}

void Suggester::Seen::merge(const Seen& other) {
  first = attempts == 0 ? other.first : std::min(first, other.first);
  last = std::max(last, other.last);
  attempts += other.attempts;
  reasons.insert(other.reasons.begin(), other.reasons.end());
  for (const auto& program : other.executed_by) note_program(executed_by, program);
  for (const auto& program : other.written_by) note_program(written_by, program);
  doubtful_path = doubtful_path || other.doubtful_path;
}

std::string Suggester::why_not(const alert::Record& record) {
  const auto& alert = record.alert;
  const auto reason = policy::parse_reason(alert.reason);
  const auto has_cut = std::find(record.cut.begin(), record.cut.end(), "file.path") != record.cut.end();
  if (!reason || (alert.file && !parse_layer(alert.file->layer))) return "its reason or layer is none that is known";
  if (reason == policy::Reason::prohibited) return "it is prohibited, which no exception changes";
  if (reason == policy::Reason::fileless) return "a program in memory has neither a path nor content that stays";
  if (reason == policy::Reason::loader) return "a loader that may be executed loads any program";
  if (has_cut) return "the alert holds the beginning of its path only";
  const bool named = alert.file && !alert.file->path.empty() && !alert.file->path.ends_with(" (deleted)");
  if (!named) return "it had no name when it was executed, and content alone would be let pass everywhere";
  if (alert.file->sha256.empty()) return "the alert has no SHA-256, and a path alone lets any content pass";
  if (!exact_glob(alert.file->path)) return "a policy file cannot hold its name";
  return {};
}

bool Suggester::add(const alert::Record& record) {
  const auto& alert = record.alert;
  if (alert.kind != alert::Kind::drift) return true;
  ++alerts_;
  Seen seen;
  seen.attempts = attempts_of(alert);
  seen.first = seen.last = alert.time;
  seen.reasons.insert(alert.reason);
  if (alert.process) note_program(seen.executed_by, alert.process->exe);
  if (alert.writer) note_program(seen.written_by, alert.writer->exe);
  if (alert.container && containers_.size() < kMost) containers_.insert(alert.container->id);
  const std::string path = alert.file ? alert.file->path : std::string();
  if (const std::string why = why_not(record); !why.empty()) {
    if (left_out_.size() < kMost) left_out_[{path, why}].merge(seen);
    return left_out_.size() < kMost;
  }
  const auto facts = possible_facts(record, *policy::parse_reason(alert.reason));
  seen.doubtful_path = facts.front().facts.path != facts.back().facts.path;
  files_[path].contents[alert.file->sha256].merge(seen);
  return files_.size() < kMost && files_[path].contents.size() < kMost;
}

std::string Suggester::rule(const std::string& path, const File& file, std::set<std::string>& names) {
  Seen all;
  for (const auto& [hash, seen] : file.contents) all.merge(seen);
  std::string out = fmt::format("\n# {}: {}, {} to {}\n", list_of(all.reasons), times(all.attempts), rfc3339(all.first),
                                rfc3339(all.last));
  if (!all.executed_by.empty()) out += fmt::format("# executed by {}\n", list_of(all.executed_by));
  if (!all.written_by.empty()) out += fmt::format("# written by {}\n", list_of(all.written_by));
  if (all.doubtful_path) out += "# beyond the root: fits only if the runtime mounted the file system that it lies on\n";
  std::string name = section_name(path, file.contents.begin()->first);
  for (int number = 2; !names.insert(name).second; ++number) {
    name = fmt::format("{}-{}", section_name(path, file.contents.begin()->first), number);
  }
  out += fmt::format("[Allow {}]\nPath={}\n", name, *exact_glob(path));
  for (const auto& [hash, seen] : file.contents) {
    out += fmt::format("Sha256={}\n", hash);
  }
  return out + "Reason=suggested from alerts, not reviewed yet\n";
}

Suggestion Suggester::finish(std::string_view asked) const {
  Suggestion out;
  std::set<std::string> names;
  std::string rules;
  for (const auto& [path, file] : files_) rules += rule(path, file, names);
  out.rules = files_.size();
  for (const auto& [what, seen] : left_out_) {
    const auto& [path, why] = what;
    out.left_out.push_back(fmt::format("{} ({}, {}): {}", path.empty() ? "a file without a name" : in_comment(path),
                                       list_of(seen.reasons), times(seen.attempts), why));
  }
  out.text = fmt::format("# Suggested by `holdfast policy suggest {}` from {} alert{}{}.\n", in_comment(asked), alerts_,
                         alerts_ == 1 ? "" : "s",
                         containers_.size() > 1 ? fmt::format(" of {} containers", containers_.size()) : "");
  if (out.rules > 0) {
    out.text +=
        "# Each rule lets pass exactly the bytes that were seen at that path. Before it goes into the policy: what is\n"
        "# the file, who put it there, and should it not be in the image? Write that into Reason=, and an Until=.\n";
  }
  out.text += rules;
  if (!out.left_out.empty()) out.text += "\n# Left out:\n";
  for (const auto& line : out.left_out) out.text += fmt::format("# - {}\n", line);
  return out;
}

}  // namespace holdfast::verdict
