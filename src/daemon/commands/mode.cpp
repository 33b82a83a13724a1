#include "describe.h"
#include "handlers.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

Result<Overriding::Wish> read_wish(const control::Request& request) {
  const auto mode = request.required_text("mode");
  if (!mode) return mode.error();
  const auto seconds = request.number("seconds");
  if (!seconds) return seconds.error();
  const auto reason = request.required_text("reason");
  if (!reason) return reason.error();
  const auto wanted = policy::parse_mode(*mode);
  if (!wanted) return Error{0, "that is not a mode; off, detect or prevent would be right"};
  return Overriding::Wish{*wanted, std::chrono::seconds(seconds->value_or(0)), *reason};
}

json::object answer(const ServiceContext& context, const policy::Override& one) {
  return {{"container",
           json::object{{"id", describe(one.target.id)}, {"name", describe(one.name)}, {"image", describe(one.image)}}},
          {"override", describe_override(one, context.overriding->now())}};
}

}  // namespace

control::Answer mode_set(const ServiceContext& context, const control::Request& request, control::Stream& stream) {
  if (const auto known = request.only({"container", "mode", "seconds", "reason"}); !known) {
    return bad_input(known.error());
  }
  const auto name = request.required_text("container");
  if (!name) return bad_input(name.error());
  const auto wish = read_wish(request);
  if (!wish) return bad_input(wish.error());
  const auto container = context.registry.resolve(*name);
  if (!container) return bad_input(container.error());
  const auto begun = context.overriding->begin(*container, *wish, stream.peer());
  if (!begun) {
    // An errno value: the database would not have it, which is nothing that the user did.
    return control::Failure{begun.error().code == 0 ? control::Status::bad_input : control::Status::unreachable,
                            begun.error().message};
  }
  auto out = answer(context, **begun);
  out["policy_mode"] = describe(std::string(to_string((*container)->own_policy()->drift.mode)));
  return out;
}

control::Answer mode_end(const ServiceContext& context, const control::Request& request, control::Stream& stream) {
  if (const auto known = request.only({"container", "reason"}); !known) return bad_input(known.error());
  const auto name = request.required_text("container");
  if (!name) return bad_input(name.error());
  const auto reason = request.text("reason");
  if (!reason) return bad_input(reason.error());
  const auto ended = context.overriding->end(*name, reason->value_or(""), stream.peer());
  if (!ended) return bad_input(ended.error());
  return answer(context, **ended);
}

}  // namespace holdfast::daemon
