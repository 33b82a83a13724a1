#include "holdfast/kernel/priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace holdfast::kernel {

void run_before_others() {
  constexpr int kMostUrgent = -20;
  sched_param priority{};
  priority.sched_priority = 1;
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) == 0) return;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kMostUrgent);
}

}  // namespace holdfast::kernel
