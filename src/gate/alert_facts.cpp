#include "holdfast/gate/alert_facts.h"

#include "holdfast/base/clock.h"
#include "holdfast/gate/file_place.h"
#include "holdfast/verdict/facts.h"

namespace holdfast::gate {

std::chrono::sys_seconds now_seconds() { return std::chrono::floor<std::chrono::seconds>(Wall::now()); }

alert::ContainerInfo describe_container(const container::Names& names) {
  return {names.id, names.name, names.image, names.digest, names.runtime, names.name_space, names.pod};
}

alert::FileInfo describe_file(const struct stat& st, const Examination& exam) {
  alert::FileInfo info;
  info.path = exam.facts.path.empty() ? exam.shown_path : exam.facts.path;
  info.layer = verdict::to_string(exam.facts.layer);
  if (exam.facts.sha256) info.sha256 = to_hex(*exam.facts.sha256);
  info.size = static_cast<std::uint64_t>(st.st_size);
  info.mode = st.st_mode;
  info.uid = st.st_uid;
  info.gid = st.st_gid;
  info.mtime = file_time(st.st_mtim);
  info.ctime = file_time(st.st_ctim);
  return info;
}

Reporter::Report draft_report(const container::Container& container, const policy::Policy& policy,
                              const verdict::Decision& decision, const Examination& exam, const struct stat& st) {
  Reporter::Report report;
  auto& alert = report.alert;
  alert.kind = alert::Kind::drift;
  if (decision.reason) alert.reason = policy::to_string(*decision.reason);
  alert.mode = policy::to_string(policy.drift.mode);
  alert.policy = policy.name;
  alert.rule = decision.rule;
  alert.container = describe_container(*container.names());
  alert.file = describe_file(st, exam);
  if (exam.image_file) {
    const auto& image = *exam.image_file;
    alert.image_file = {image.sha256 ? to_hex(*image.sha256) : std::string(), image.identity.size, image.mode};
    if (!image.sha256) report.image_file = image;
  }
  report.baseline = container.baseline();
  return report;
}

void add_versions(Reporter::Report& report, const container::Container& container, const Examination& exam, int file) {
  report.version = version_of(file);
  if (exam.facts.layer != verdict::Layer::upper) return;
  if (container.kind() == container::RootKind::snapshot) {
    report.upper = report.version;  // the host's own file
  } else if (const auto upper = open_upper(container, exam.facts.path, file); upper && *upper) {
    report.upper = version_of((*upper)->get());
  }
}

}  // namespace holdfast::gate
