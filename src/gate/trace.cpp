// What is told of a file's writers.

#include <algorithm>

#include "holdfast/alert/programs.h"

#include "writers_impl.h"

namespace holdfast::gate {
namespace {

bool ran_image_code(const Program& program) {
  const auto container = program.container.lock();
  return container && program.device != 0 && program.device == container->device() &&
         container->baseline()->is_image_code(program.identity);
}

bool same_process(const Deed& a, const Deed& b) {
  return a.pid == b.pid && (a.program == b.program || !a.program || !b.program || a.program->at == b.program->at);
}

/// By name; only the image's own program counts, since anybody may call his "apt".
void name_package_manager(alert::WriterInfo& info, const std::vector<ExecHistory::Shared>& outward) {
  for (const auto& program : outward) {
    const auto name = alert::package_manager(alert::program_name(program->exe, program->cmdline));
    if (name.empty() || !ran_image_code(*program)) continue;
    info.package_manager = name;
    info.package_manager_pid = program->pid;
  }
}

}  // namespace

bool is_image_program(const container::Container& container, const Writer& writer) {
  if (writer.exe_device == 0 || writer.exe_device != container.device()) return false;
  const auto file = container.baseline()->at_path(writer.info.exe);
  return file && *file && (*file)->executable && (*file)->identity == writer.exe_identity;
}

Writer WritersImpl::describe(const Deed& deed) const {
  Writer writer;
  auto& info = writer.info;
  info.pid = deed.pid;
  // When it was done, which may be a while before this was heard of.
  info.time = std::min(deed.time, Wall::time_point(std::chrono::nanoseconds(deed.ctime)));
  info.how = deed.how;
  if (!deed.program) return writer;
  const Program& program = *deed.program;
  info.exe = program.exe;
  info.cmdline = program.cmdline;
  info.uid = program.uid;
  writer.exe_device = program.device;
  writer.exe_identity = program.identity;
  const auto container = program.container.lock();
  const pid_t first = container ? container->first_pid() : 0;
  std::vector<ExecHistory::Shared> chain = {deed.program};
  for (auto& ancestor : to_.history.ancestors(deed.program)) {
    const bool inside = container && ancestor->container.lock() == container;
    if (!inside || chain.back()->pid == first) break;
    alert::ProcessInfo process;
    process.pid = ancestor->pid;
    process.exe = ancestor->exe;
    process.cmdline = ancestor->cmdline;
    info.ancestors.push_back(std::move(process));
    chain.push_back(std::move(ancestor));
  }
  writer.own = first != 0 && chain.back()->pid == first;
  name_package_manager(info, chain);
  return writer;
}

Trace WritersImpl::trace(const FileVersion& file, const std::optional<FileVersion>& upper) const {
  const auto content = contents_.find(file);
  const auto mode = upper ? modes_.find(*upper) : std::nullopt;
  const auto name = upper ? names_.find(*upper) : std::nullopt;
  Trace trace;
  if (content) {
    trace.writer = describe(*content);
    trace.certain = content->ctime == file.ctime;
    const auto touched_last = [&](const std::optional<Deed>& deed) {
      return deed && upper && deed->ctime == upper->ctime && describe(*deed).own;
    };
    trace.own_work = trace.writer->own && (trace.certain || touched_last(mode) || touched_last(name));
    if (mode && mode->executable && !content->executable && !same_process(*mode, *content)) {
      trace.made_executable = describe(*mode);
    }
    return trace;
  }
  const bool by_mode = mode && mode->executable && (!name || name->time <= mode->time);
  if (by_mode) {
    trace.writer = describe(*mode);
    trace.certain = mode->ctime == upper->ctime;
  } else if (name) {
    trace.writer = describe(*name);
    trace.certain = name->ctime == upper->ctime;
  }
  return trace;
}

}  // namespace holdfast::gate
