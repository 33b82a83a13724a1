#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "holdfast/alert/alert.h"
#include "holdfast/base/clock.h"
#include "holdfast/gate/examine.h"
#include "holdfast/gate/judge.h"
#include "holdfast/gate/pending.h"
#include "holdfast/verdict/decide.h"

namespace holdfast::gate {

/// One attempt while it is judged.
struct Judge::Case {
  std::shared_ptr<Pending> pending;
  UniqueFd proc_dir;
  std::shared_ptr<container::Container> container;
  std::shared_ptr<const policy::Policy> policy;
  bool on_root = true;  ///< the file lies on the container's root file system
  Examination exam;
  verdict::Decision decision;
  alert::ProcessInfo process;
  std::vector<alert::ProcessInfo> ancestors;
  pid_t group = 0;  ///< the process's, for Action=kill
  Wall::time_point time = Wall::now();

  [[nodiscard]] int file() const { return pending->event.file.get(); }
  [[nodiscard]] pid_t pid() const { return pending->event.pid; }
};

}  // namespace holdfast::gate
