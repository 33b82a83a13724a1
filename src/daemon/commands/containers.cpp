#include <algorithm>

#include <boost/json/array.hpp>

#include "describe.h"
#include "handlers.h"

namespace holdfast::daemon {

control::Answer containers(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  auto all = context.registry.all();
  std::ranges::sort(all, {}, [](const auto& container) { return container->seen_at(); });
  const auto now = context.overriding->now();
  boost::json::array list;
  for (const auto& container : all) list.push_back(describe(*container, now));
  for (const auto& container : context.unprotected.all()) list.push_back(describe(container));
  return boost::json::object{{"containers", std::move(list)}};
}

}  // namespace holdfast::daemon
