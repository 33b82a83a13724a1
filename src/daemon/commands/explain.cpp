#include "holdfast/verdict/explain.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/hash.h"
#include "holdfast/gate/examine.h"
#include "holdfast/gate/file_place.h"
#include "holdfast/verdict/decide.h"

#include "describe.h"
#include "handlers.h"
#include "open_in_container.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

/// A person waits, not a process in the kernel: longer than the gate's own deadline.
constexpr std::chrono::seconds kExplainTime{20};

const char* to_text(verdict::Comparison comparison) {
  switch (comparison) {
    case verdict::Comparison::image_identity:
      return "image-identity";
    case verdict::Comparison::same_as_image_path:
      return "same-as-image-path";
    case verdict::Comparison::same_as_other_file:
      return "same-as-other-file";
    case verdict::Comparison::differs_from_path:
      return "differs-from-path";
    case verdict::Comparison::unknown_to_image:
      return "unknown-to-image";
    case verdict::Comparison::writer_present:
      break;
  }
  return "writer-present";
}

/// The hashes that the verdict did not need and a person wants to see.
void fill_hashes(gate::Examination& examination, const container::Container& container, int file,
                 Steady::time_point deadline) {
  if (!examination.facts.sha256) {
    if (auto hash = baseline::hash_file(file, examination.facts.size, deadline)) examination.facts.sha256 = *hash;
  }
  auto& image_file = examination.image_file;
  if (image_file && !image_file->sha256 && container.baseline() != nullptr) {
    if (auto hash = container.baseline()->hash(*image_file, deadline)) image_file->sha256 = *hash;
  }
}

/// What was found for exceptions, and what nobody can know of an execution that does not take place.
void note_exceptions(const policy::Policy& policy, gate::Examination& examination) {
  constexpr std::size_t kMostNamed = 8;
  const auto& images = examination.facts.images;
  if (!images.empty()) {
    std::string names;
    for (std::size_t i = 0; i < std::min(images.size(), kMostNamed); ++i) names += ' ' + printable(images[i]);
    if (images.size() > kMostNamed) names += " …";
    examination.steps.push_back("programs of these images have this content:" + names);
  }
  for (const auto& rule : policy.allows) {
    if (rule.parents.empty()) continue;
    examination.steps.push_back(
        fmt::format("exception {} asks who executes the file (Parent=), which nobody does now: it is left out",
                    printable(rule.name)));
  }
}

/// What kind of section the decision's rule is.
json::value describe_section(const verdict::Decision& decision, const policy::Policy& policy) {
  if (decision.rule.empty()) return nullptr;
  if (decision.reason == policy::Reason::prohibited) return "Deny";
  const auto has = [&](const auto& rules) {
    return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return rule.name == decision.rule; });
  };
  const bool allowed = decision.verdict == policy::Verdict::allow && has(policy.allows);
  if (!allowed && policy.seal && decision.rule == "Seal") return "Seal";
  return decision.reason == policy::Reason::volume && !allowed ? "Volume" : "Allow";
}

json::object describe_decision(const verdict::Decision& decision, const policy::Policy& policy) {
  return {{"verdict", view(to_string(decision.verdict))},
          {"runs", decision.runs()},
          {"reason", decision.reason ? json::value(view(to_string(*decision.reason))) : json::value(nullptr)},
          {"section", describe_section(decision, policy)},
          {"rule", describe(decision.rule)}};
}

json::array describe_steps(const gate::Examination& examination, const struct stat& st, const policy::Policy& policy,
                           std::chrono::sys_seconds now) {
  json::array steps;
  if ((st.st_mode & 0111U) == 0) {
    steps.emplace_back("the file has no x bit: the kernel refuses to execute it (EACCES) before anybody is asked");
  }
  for (const auto& step : examination.steps) steps.emplace_back(json::string(control::readable(step)));
  if (examination.timed_out)
    steps.emplace_back("the time was up before all was known: what follows is what was known then");
  for (const auto& step : verdict::explain(examination.facts, policy, now)) steps.emplace_back(json::string(step));
  return steps;
}

/// What the mode alone changes.
json::object describe_modes(const verdict::Facts& facts, const policy::Policy& own, std::chrono::sys_seconds now) {
  json::object out;
  for (const auto mode : {policy::Mode::off, policy::Mode::detect, policy::Mode::prevent}) {
    const auto policy = mode == own.drift.mode ? own : policy::with_mode(own, mode);
    out[view(to_string(mode))] = view(to_string(verdict::decide(facts, policy, now).verdict));
  }
  return out;
}

json::object describe_file(const gate::Examination& examination, const struct stat& st) {
  const auto& facts = examination.facts;
  return {{"path", describe(examination.shown_path)},
          {"sha256", describe(facts.sha256)},
          {"size", facts.size},
          {"mode", describe_mode(st.st_mode)},
          {"layer", describe(std::string(to_string(facts.layer)))},
          {"comparison", to_text(facts.comparison)}};
}

json::value describe_image_file(const gate::Examination& examination) {
  const auto& file = examination.image_file;
  if (!file) return nullptr;
  return json::object{{"path", printable(file->path)},
                      {"sha256", describe(file->sha256)},
                      {"size", file->identity.size},
                      {"mode", describe_mode(file->mode)}};
}

}  // namespace

control::Answer explain(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({"container", "path"}); !known) return bad_input(known.error());
  const auto name = request.required_text("container");
  if (!name) return bad_input(name.error());
  const auto path = request.required_text("path");
  if (!path) return bad_input(path.error());
  const auto container = context.registry.resolve(*name);
  if (!container) return bad_input(container.error());
  const auto policy = (*container)->policy();
  if (policy == nullptr) return bad_input({0, "this container has no policy yet; try again in a moment"});

  const auto root = open_root(**container);
  if (!root) return bad_input(root.error());
  const auto file = open_regular(root->directory.get(), *path);
  if (!file) return bad_input(file.error());
  struct stat st {};
  if (::fstat(file->get(), &st) != 0) return bad_input(errno_error(printable(*path)));

  const auto deadline = Steady::now() + kExplainTime;
  const gate::ExamineOptions options{.want_hash = gate::wants_hash(*policy), .deadline = deadline};
  auto examination =
      gate::lies_on_root(file->get(), root->pid, **container)
          ? gate::examine(**container, file->get(), root->pid, options)
          : gate::examine_elsewhere(**container, context.discovery.mounts(), file->get(), root->pid, options);
  examination.facts.loader = examination.elf && examination.elf->role == kernel::ElfRole::loader;
  if (context.exception_facts != nullptr) {
    context.exception_facts->fill(examination.facts, *policy,
                                  {.container = **container, .file = file->get(), .deadline = deadline});
  }
  note_exceptions(*policy, examination);
  const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
  const auto decision = verdict::decide(examination.facts, *policy, now);
  fill_hashes(examination, **container, file->get(), deadline);
  const std::string_view mode = to_string(policy->drift.mode);
  const auto overriding = (*container)->overriding();
  return json::object{{"container", identify(**container)},
                      {"path", printable(*path)},
                      {"mode", view(mode)},
                      {"policy", describe(policy->name)},
                      {"policy_mode", view(to_string((*container)->own_policy()->drift.mode))},
                      {"override", overriding ? json::value(describe_override(*overriding, context.overriding->now()))
                                              : json::value(nullptr)},
                      {"policy_file", describe(policy->file)},
                      {"steps", describe_steps(examination, st, *policy, now)},
                      {"file", describe_file(examination, st)},
                      {"image_file", describe_image_file(examination)},
                      {"decision", describe_decision(decision, *policy)},
                      {"modes", describe_modes(examination.facts, *(*container)->own_policy(), now)},
                      {"timed_out", examination.timed_out}};
}

}  // namespace holdfast::daemon
