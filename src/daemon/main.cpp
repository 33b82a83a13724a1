#include <sys/prctl.h>

#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "holdfast/daemon/handover.h"
#include "holdfast/daemon/kernel_features.h"
#include "holdfast/daemon/log.h"
#include "holdfast/daemon/maintenance.h"
#include "holdfast/daemon/options.h"
#include "holdfast/daemon/sandbox.h"
#include "holdfast/daemon/service.h"
#include "holdfast/kernel/host_namespace.h"
#include "holdfast/policy/load.h"

namespace {

using namespace holdfast;
using namespace holdfast::daemon;

constexpr int kBadConfiguration = 2;
constexpr int kStopped = 1;

int fail(int status, const Error& error) {
  log_line(error.message);
  return status;
}

int serve(const Options& options) {
  auto settings = effective_settings(options);
  if (!settings) return fail(kBadConfiguration, settings.error());
  auto policies = policy::PolicySet::load(settings->policy_directory, settings->drift);
  if (!policies) return fail(kBadConfiguration, policies.error());
  if (options.check_config) {
    fmt::print("configuration is fine: {} policies\n", policies->all().size() - 1);
    return 0;
  }
  if (auto kernel = check_kernel(); !kernel) return fail(kStopped, kernel.error());
  if (settings->hold_on_absence && !has_store()) {
    return fail(kBadConfiguration, {0,
                                    "OnAbsence=hold needs somebody who keeps descriptors for the next service: run it "
                                    "by systemd, with FileDescriptorStoreMax="});
  }
  if (auto dropped = drop_capabilities(); !dropped) return fail(kStopped, dropped.error());
  if (auto alone = kernel::let_go_of_held_mounts(); !alone) return fail(kStopped, alone.error());
  auto handover = take_handover(settings->on_deadline == policy::Verdict::allow);
  (void)raise_descriptor_limit();
  block_signals();
  // No core dump, which would keep the fanotify group open (and every execution waiting) while it is written.
  ::prctl(PR_SET_DUMPABLE, 0);
  auto service = Service::create(options, std::move(*settings), std::move(*policies), std::move(handover));
  if (!service) return fail(kStopped, service.error());
  if (auto sandboxed = enter_sandbox(); !sandboxed) return fail(kStopped, sandboxed.error());
  return (*service)->run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto parsed = parse_options(argc, argv);
    if (const auto* ended = std::get_if<Ended>(&parsed)) {
      std::fputs(ended->text.c_str(), ended->status == 0 ? stdout : stderr);
      return ended->status;
    }
    return serve(std::get<Options>(parsed));
  } catch (const std::exception& error) {
    log_line(error.what());
    return kStopped;
  }
}
