#pragma once

#include <sys/stat.h>

#include <chrono>

#include "holdfast/alert/alert.h"
#include "holdfast/container/container.h"
#include "holdfast/gate/examine.h"
#include "holdfast/gate/reporter.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::gate {

// What the judge and the net say of an attempt in the same words.

/// For policies, whose exceptions end by the second.
[[nodiscard]] std::chrono::sys_seconds now_seconds();

[[nodiscard]] alert::ContainerInfo describe_container(const container::Names& names);
[[nodiscard]] alert::FileInfo describe_file(const struct stat& st, const Examination& exam);

/// A drift alert without its verdict and process: container, policy, reason, file, and the image's file at that path,
/// whose hash the reporter is asked for. The executed file's descriptor is the caller's to add.
[[nodiscard]] Reporter::Report draft_report(const container::Container& container, const policy::Policy& policy,
                                            const verdict::Decision& decision, const Examination& exam,
                                            const struct stat& st);

/// For the reporter, which asks who wrote the file. `file` is the executed file's descriptor (O_PATH will do).
void add_versions(Reporter::Report& report, const container::Container& container, const Examination& exam, int file);

}  // namespace holdfast::gate
