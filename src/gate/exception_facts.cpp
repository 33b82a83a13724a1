#include "holdfast/gate/exception_facts.h"

#include <sys/stat.h>

#include <algorithm>

#include "holdfast/base/identity.h"
#include "holdfast/gate/file_place.h"
#include "holdfast/gate/image_program.h"
#include "holdfast/gate/process_facts.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::gate {
namespace {

bool any_allow(const policy::Policy& policy, bool (*asks)(const policy::Rule&)) {
  return std::any_of(policy.allows.begin(), policy.allows.end(), asks);
}

/// Whoever waits for us runs the program that executes the file, and so does who has opened a library. Nobody waits in
/// detect mode: by now the process may well be what it executes, and its parent, where it still is, tells.
std::string who_executes(const ExceptionFacts::Execution& execution, policy::Mode mode, bool library) {
  if (execution.proc_dir < 0) return {};
  if (execution.waits || library) return image_program(execution.container, execution.proc_dir, execution.pid);
  if (mode == policy::Mode::prevent) return {};
  const auto parent_pid = kernel::read_parent(execution.proc_dir);
  if (!parent_pid || *parent_pid <= 1) return {};
  const auto parent = kernel::open_proc(*parent_pid);
  return parent ? image_program(execution.container, parent->get(), *parent_pid) : std::string();
}

/// The writable layer's file, if it lies there.
UniqueFd open_real(const verdict::Facts& facts, const ExceptionFacts::Execution& execution) {
  if (facts.layer != verdict::Layer::upper || facts.path.empty()) return {};
  auto real = open_upper(execution.container, facts.path, execution.file);
  return real && *real ? std::move(**real) : UniqueFd();
}

/// Of the container's first process and those that come from it, not of somebody who entered the container.
bool comes_from_first(const ExceptionFacts::Execution& execution) {
  const pid_t first = execution.container.first_pid();
  if (execution.proc_dir < 0 || first <= 0) return false;
  if (execution.pid == first) return true;
  const auto parent = kernel::read_parent(execution.proc_dir);
  if (!parent) return false;
  const auto ancestors = describe_ancestors(execution.proc_dir, *parent, first);
  return !ancestors.empty() && ancestors.back().pid == first;
}

}  // namespace

Trace ExceptionFacts::trace(const Execution& execution, const UniqueFd& real) const {
  const auto version = execution.file >= 0 ? version_of(execution.file) : std::nullopt;
  if (!version || !writers_.catch_up(execution.deadline)) return {};
  return writers_.trace(*version, real ? version_of(real.get()) : std::nullopt);
}

/// Nobody may have touched the file since, and the program must have been the image's own when it wrote.
std::string ExceptionFacts::who_wrote(const verdict::Facts& facts, const Execution& execution) const {
  const auto trace = this->trace(execution, open_real(facts, execution));
  if (!trace.certain || !trace.writer || trace.writer->info.how != alert::Hand::wrote) return {};
  return is_image_program(execution.container, *trace.writer) ? trace.writer->info.exe : std::string();
}

bool ExceptionFacts::is_sealed(const verdict::Facts& facts, const policy::Policy& policy,
                               const Execution& execution) const {
  const auto reason = verdict::classify(facts);
  if (!reason || policy.drift.verdict_for(*reason) == policy::Verdict::allow) return false;
  struct stat st {};
  if (facts.layer != verdict::Layer::upper || facts.path.empty() || facts.loader || facts.library) return false;
  if (execution.file < 0 || ::fstat(execution.file, &st) != 0) return false;
  auto real = open_real(facts, execution);
  const auto trace = this->trace(execution, real);
  return seals_.fits({.container = execution.container,
                      .seal = *policy.seal,
                      .path = facts.path,
                      .sha256 = *facts.sha256,
                      .changed = file_time(st.st_ctim),
                      .by_itself = comes_from_first(execution) && (!trace.writer || trace.writer->own),
                      .own_work = trace.own_work,
                      .real = std::move(real)});
}

void ExceptionFacts::fill(verdict::Facts& facts, const policy::Policy& policy, const Execution& execution) const {
  if ((policy.allows.empty() && !policy.seal) || !verdict::classify(facts)) return;
  if (any_allow(policy, [](const policy::Rule& rule) { return !rule.parents.empty(); })) {
    facts.parent = who_executes(execution, policy.drift.mode, facts.library);
  }
  const bool proven = facts.sha256 && facts.comparison != verdict::Comparison::writer_present;
  if (proven && any_allow(policy, [](const policy::Rule& rule) { return !rule.images.empty(); })) {
    auto images = catalog_.images_with_program(facts.size, *facts.sha256, execution.deadline);
    if (images) facts.images = std::move(*images);
  }
  if (proven && any_allow(policy, [](const policy::Rule& rule) { return !rule.writers.empty(); })) {
    facts.writer = who_wrote(facts, execution);
  }
  if (proven && policy.seal) facts.sealed = is_sealed(facts, policy, execution);
}

}  // namespace holdfast::gate
