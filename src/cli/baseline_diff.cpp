#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/units.h"

#include "commands.h"
#include "listing.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;
using baseline::ListingDifference;

const char* what_of(const ListingDifference& difference) {
  if (!difference.before) return "added";
  return difference.after ? "changed" : "removed";
}

std::string hash_of(const baseline::ListedFile& file) {
  return file.sha256 ? short_id(to_hex(*file.sha256)) : std::string("not known");
}

std::string details(const ListingDifference& difference) {
  const auto& [before, after] = difference;
  if (!before || !after) {
    const auto& only = before ? *before : *after;
    return fmt::format("{}, mode {:04o}, {}", hash_of(only), only.mode, human_bytes(only.size));
  }
  std::string text;
  if (before->sha256 != after->sha256 || !before->sha256 || before->size != after->size) {
    text = fmt::format("{} -> {}, {} -> {}", hash_of(*before), hash_of(*after), human_bytes(before->size),
                       human_bytes(after->size));
  }
  if (before->mode != after->mode) {
    text += fmt::format("{}mode {:04o} -> {:04o}", text.empty() ? "" : ", ", before->mode, after->mode);
  }
  return text;
}

std::string line_of(const ListingDifference& difference, const Terminal& terminal) {
  const std::string_view what = what_of(difference);
  const auto& file = difference.before ? *difference.before : *difference.after;
  return fmt::format("{}{:{}}  {}  ({})\n", paint(what, Colour::red, terminal), "",
                     what.size() < 7 ? 7 - what.size() : 0, printable(file.path), details(difference));
}

json::value side(const std::optional<baseline::ListedFile>& file) {
  if (!file) return nullptr;
  json::object object = describe(*file);
  object.erase("path");
  return object;
}

json::array describe_all(const std::vector<ListingDifference>& differences) {
  json::array out;
  for (const auto& one : differences) {
    const auto& file = one.before ? *one.before : *one.after;
    out.push_back(json::object{{"what", what_of(one)},
                               {"path", printable(file.path)},
                               {"before", side(one.before)},
                               {"after", side(one.after)}});
  }
  return out;
}

std::string sum(const std::vector<ListingDifference>& differences) {
  std::size_t came = 0;
  std::size_t went = 0;
  for (const auto& one : differences) {
    came += one.before ? 0 : 1;
    went += one.after ? 0 : 1;
  }
  const std::size_t all = differences.size();
  if (all == 0) return "0 differences\n";
  return fmt::format("{} difference{}: {} added, {} removed, {} changed\n", human_count(all), all == 1 ? "" : "s",
                     human_count(came), human_count(went), human_count(all - came - went));
}

Status run_diff(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const auto load = [&](std::size_t word, const char* image) {
    return load_listing(
        invocation, arguments.words[word],
        {arguments.value(image).value_or(std::string()), arguments.value("platform").value_or(std::string())});
  };
  const auto before = load(0, "image-a");
  if (const auto* status = std::get_if<Status>(&before)) return *status;
  const auto after = load(1, "image-b");
  if (const auto* status = std::get_if<Status>(&after)) return *status;
  const auto& a = std::get<baseline::ImageListing>(before);
  const auto& b = std::get<baseline::ImageListing>(after);
  const auto differences = compare(a, b);
  if (invocation.json) {
    print_json(json::object{{"a", describe(a)}, {"b", describe(b)}, {"differences", describe_all(differences)}});
  } else {
    for (const auto& one : differences) print(line_of(one, invocation.out));
    print(sum(differences));
  }
  return differences.empty() ? Status::fine : Status::finding;
}

}  // namespace

Command baseline_diff_command() {
  return {
      .name = "baseline diff",
      .synopsis = "A B",
      .summary = "what differs between two images",
      .details =
          "Tells which executables and shared objects B has and A has not, the other way round, and which differ in "
          "content or mode. A and B are each an image archive or a baseline file (see `baseline build`), or an image "
          "that the service has a baseline of. Exit status 1 if anything differs.",
      .options = {{"image-a", 0, "NAME", "which of A's images, if A is a file with several"},
                  {"image-b", 0, "NAME", "which of B's images"},
                  {"platform", 0, "OS/ARCH", "of archives; this host's by default"}},
      .words = {2, 2},
      .run = run_diff};
}

}  // namespace holdfast::cli
