#pragma once

#include "holdfast/control/server.h"
#include "holdfast/daemon/commands.h"

namespace holdfast::daemon {

// One function per command; named as the command. Arguments and results: man/holdfast.1's --json, and protocol.h.

control::Answer status(const ServiceContext& context, const control::Request& request);
control::Answer containers(const ServiceContext& context, const control::Request& request);
control::Answer metrics(const ServiceContext& context, const control::Request& request);
control::Answer explain(const ServiceContext& context, const control::Request& request);

control::Answer mode_set(const ServiceContext& context, const control::Request& request, control::Stream& stream);
control::Answer mode_end(const ServiceContext& context, const control::Request& request, control::Stream& stream);

control::Answer baseline_list(const ServiceContext& context, const control::Request& request);
control::Answer baseline_show(const ServiceContext& context, const control::Request& request, control::Stream& stream);
control::Answer baseline_verify(const ServiceContext& context, const control::Request& request,
                                control::Stream& stream);
control::Answer baseline_rebuild(const ServiceContext& context, const control::Request& request,
                                 control::Stream& stream);
control::Answer baseline_import(const ServiceContext& context, const control::Request& request);
control::Answer baseline_prune(const ServiceContext& context, const control::Request& request);

control::Answer policy_list(const ServiceContext& context, const control::Request& request);
control::Answer policy_show(const ServiceContext& context, const control::Request& request);
control::Answer policy_reload(const ServiceContext& context, const control::Request& request);

/// The failure for a request that asks for something that is not there or makes no sense.
[[nodiscard]] inline control::Failure bad_input(const Error& error) {
  return {control::Status::bad_input, error.message};
}

}  // namespace holdfast::daemon
