// A line of an alerts file, as `policy replay` and `policy suggest` read it.

#include "holdfast/alert/format.h"
#include "holdfast/alert/read.h"
#include "holdfast/policy/load.h"
#include "holdfast/verdict/replay.h"
#include "holdfast/verdict/suggest.h"

#include "target.h"

using namespace holdfast;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = alert::read_record(fuzz::text_of(data, size));
  if (!record) {
    const std::string& message = record.error().message;
    fuzz::require(!message.empty() && message.size() < 2000 && message.find('\n') == std::string::npos);
    return 0;
  }
  if (!*record) return 0;
  // What was read can be written, and is read again as the same.
  if ((*record)->cut.empty()) {
    const auto again = alert::read_record(alert::to_json((*record)->alert));
    fuzz::require(again.ok() && again->has_value());
    const auto path_of = [](const alert::Record& one) { return one.alert.file ? one.alert.file->path : std::string(); };
    fuzz::require(!(*again)->cut.empty() || path_of(**record) == path_of(**again));
  }
  static const auto policy = policy::parse_policy(
      "[Match]\nImage=*/nginx:*\nLabel=tier=front\n[Drift]\nMode=prevent\n[Allow a]\nPath=/tmp/*\n"
      "[Allow b]\nSha256=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n[Deny c]\nPath=/usr/bin/nc\n"
      "[Volume d]\nPath=/data\nVerdict=deny\n",
      "x.policy");
  fuzz::require(policy.ok());
  const auto replayed = verdict::replay(**record, {*policy}, {});
  if (replayed) {
    fuzz::require(!replayed->outcomes.empty());
    fuzz::require(replayed->certain() == replayed->untold.empty());
  }
  verdict::Suggester suggester;
  (void)suggester.add(**record);
  const auto suggestion = suggester.finish("web-1");
  const auto suggested = policy::parse_policy("[Drift]\nMode=prevent\n" + suggestion.text, "y.policy");
  fuzz::require(suggested.ok() && suggested->allows.size() == suggestion.rules);
  if (suggestion.rules == 0) return 0;
  const auto then = verdict::replay(**record, {*suggested}, {});
  fuzz::require(then.ok() && then->outcomes.front().decision.verdict == policy::Verdict::allow);
  return 0;
}
