#include "holdfast/daemon/commands.h"

#include "handlers.h"

namespace holdfast::daemon {
namespace {

using control::Answer;
using control::Pace;
using control::Request;
using control::Stream;

using Simple = Answer (*)(const ServiceContext&, const Request&);
using Streaming = Answer (*)(const ServiceContext&, const Request&, Stream&);

}  // namespace

void add_commands(control::Server& server, ServiceContext& context) {
  const auto add = [&](const char* name, Pace pace, Simple handler) {
    server.add(name, pace, [&context, handler](const Request& request, Stream&) { return handler(context, request); });
  };
  const auto add_streaming = [&](const char* name, Pace pace, Streaming handler) {
    server.add(name, pace, [&context, handler](const Request& request, Stream& stream) {
      return handler(context, request, stream);
    });
  };
  add("ping", Pace::quick, [](const ServiceContext&, const Request&) -> Answer {
    return boost::json::object{{"version", HOLDFAST_VERSION}};
  });
  add("status", Pace::quick, status);
  add("containers", Pace::quick, containers);
  add("metrics", Pace::quick, metrics);
  add("explain", Pace::slow, explain);
  add_streaming("mode.set", Pace::slow, mode_set);
  add_streaming("mode.end", Pace::slow, mode_end);
  add("baseline.list", Pace::quick, baseline_list);
  add_streaming("baseline.show", Pace::slow, baseline_show);
  add_streaming("baseline.verify", Pace::slow, baseline_verify);
  add_streaming("baseline.rebuild", Pace::slow, baseline_rebuild);
  add("baseline.import", Pace::slow, baseline_import);
  add("baseline.prune", Pace::slow, baseline_prune);
  add("policy.list", Pace::quick, policy_list);
  add("policy.show", Pace::quick, policy_show);
  add("policy.reload", Pace::slow, policy_reload);
}

}  // namespace holdfast::daemon
