#pragma once

namespace holdfast::kernel {

/// Lets the calling thread run before all ordinary ones: for one whose every step is short and for which others wait.
/// SCHED_RR of the lowest real-time priority (sched(7)), or where that is refused, nice -20 (setpriority(2)). Threads
/// that it starts do not inherit it.
void run_before_others();

}  // namespace holdfast::kernel
