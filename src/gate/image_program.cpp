#include "holdfast/gate/image_program.h"

#include "holdfast/base/identity.h"
#include "holdfast/gate/executed_file.h"
#include "holdfast/gate/file_place.h"

namespace holdfast::gate {
namespace {

/// As the judge proves it of what is executed: kernel fact 16, and where a ctime alone does not prove it (a layer that
/// was made a moment ago, a list that is not complete yet), the upper layer, which must have no such file.
bool is_images_own(const container::Container& container, const std::string& path, int file, const Identity& identity) {
  const auto& baseline = *container.baseline();
  const auto shipped = baseline.at_path(path);
  if (!shipped || !*shipped || (*shipped)->identity != identity || !(*shipped)->executable) return false;
  if (baseline.is_image_code(identity)) return true;
  if (container.kind() != container::RootKind::overlay) return false;
  const auto upper = open_upper(container, path, file);
  return upper && !upper->has_value();
}

}  // namespace

std::string image_program(const container::Container& container, int proc_dir, pid_t pid) {
  const auto program = look_at_executed_file(proc_dir);
  if (!program || !lies_on_root(program->path.get(), pid, container)) return {};
  auto path = locate(program->path.get(), pid, container).in_superblock;
  if (!path || !is_images_own(container, *path, program->path.get(), identity_of(program->st))) return {};
  return std::move(*path);
}

}  // namespace holdfast::gate
