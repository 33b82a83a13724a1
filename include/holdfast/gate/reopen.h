#pragma once

#include <memory>

#include "holdfast/base/clock.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/container/container.h"
#include "holdfast/container/registry.h"
#include "holdfast/gate/event_table.h"

namespace holdfast::gate {

// Events that a service had in hand when it ended: the kernel still waits for the answer, by the number, but the open
// file is gone. Slow path: reads /proc, walks paths in the container, may wait for a file system.

/// Opens the very file that an event was about, proven by the identity that was noted: where the image has it, or by
/// what the waiting process asked for. Nothing if it is not to be found there any more. `container` may be null.
[[nodiscard]] UniqueFd reopen(const InHand& event, int proc_dir, const container::Container* container,
                              Steady::time_point deadline);

/// For an event whose file nobody had looked at yet: the container, if everything that the process may be waiting for,
/// interpreters included, is code of its image. Null if not, or if that cannot be told.
[[nodiscard]] std::shared_ptr<container::Container> awaits_image_code(int proc_dir, const container::Registry& registry,
                                                                      Steady::time_point deadline);

}  // namespace holdfast::gate
