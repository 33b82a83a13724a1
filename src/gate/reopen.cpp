#include "holdfast/gate/reopen.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "holdfast/gate/waiting_file.h"
#include "holdfast/kernel/file.h"

namespace holdfast::gate {
namespace {

bool is_it(int path_fd, const InHand& event) {
  struct stat st {};
  return kernel::stat_without_asking(path_fd, st) && S_ISREG(st.st_mode) && st.st_dev == event.device &&
         identity_of(st) == event.identity;
}

/// Where the image has it, in the root of the process. Links are followed only inside, and the caller looks at what is
/// found.
UniqueFd open_image_path(const InHand& event, int proc_dir, const container::Container& container,
                         Steady::time_point deadline) {
  if (!container.baseline()->wait_walked(deadline)) return {};
  const auto path = container.baseline()->path_of(event.identity);
  const UniqueFd root(::openat(proc_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!path || !root) return {};
  struct open_how how {};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root.get(), path->c_str(), &how, sizeof how)));
}

/// The container whose image has this file.
std::shared_ptr<container::Container> whose_code(int path_fd, const container::Registry& registry,
                                                 Steady::time_point deadline) {
  struct stat st {};
  if (!kernel::stat_without_asking(path_fd, st)) return nullptr;
  auto container = registry.find(st.st_dev);
  if (!container || !container->baseline()->wait_walked(deadline)) return nullptr;
  if (!container->baseline()->is_image_code(identity_of(st)) || container->has_prohibitions()) return nullptr;
  return container;
}

}  // namespace

UniqueFd reopen(const InHand& event, int proc_dir, const container::Container* container, Steady::time_point deadline) {
  if (container != nullptr) {
    const UniqueFd found = open_image_path(event, proc_dir, *container, deadline);
    if (found && is_it(found.get(), event)) return open_again(found.get());
  }
  for (const auto& files : files_waited_for(proc_dir)) {
    for (const auto& file : files) {
      if (is_it(file.get(), event)) return open_again(file.get());
    }
  }
  return {};
}

std::shared_ptr<container::Container> awaits_image_code(int proc_dir, const container::Registry& registry,
                                                        Steady::time_point deadline) {
  std::shared_ptr<container::Container> home;
  for (const auto& files : files_waited_for(proc_dir)) {
    for (const auto& file : files) {
      auto container = whose_code(file.get(), registry, deadline);
      if (!container || (home && home != container)) return nullptr;
      home = std::move(container);
    }
  }
  return home;
}

}  // namespace holdfast::gate
