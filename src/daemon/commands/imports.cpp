#include "imports.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/baseline_file.h"

#include "describe.h"
#include "handlers.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

/// What `holdfast baseline import` calls the copy that it lays into our runtime
/// directory.
bool is_staged_name(std::string_view name) {
  constexpr std::string_view kStart = "import-";
  return name.starts_with(kStart) && name.size() > kStart.size() && name.size() < 64 &&
         std::ranges::all_of(name.substr(kStart.size()), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

baseline::Imports imports_of(const ServiceContext& context) {
  return baseline::Imports(context.settings().state_directory + "/imported.db");
}

json::object describe_imported(const baseline::Imported& image) {
  const Wall::time_point when{std::chrono::seconds(image.when)};
  return {{"id", image.id},
          {"kind", "imported"},
          {"state", "complete"},
          {"names", describe(image.listing.names)},
          {"digests", describe(image.listing.digests)},
          {"platform", describe(image.listing.platform)},
          {"files", image.files},
          {"bytes", image.bytes},
          {"captured", nullptr},
          {"last_used", nullptr},
          {"in_use", false},
          {"imported", {{"time", rfc3339(when)}, {"kind", image.listing.kind}, {"id", image.listing.id}}}};
}

control::Answer baseline_import(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({"file"}); !known) return bad_input(known.error());
  const auto name = request.required_text("file");
  if (!name) return bad_input(name.error());
  if (!is_staged_name(*name)) return bad_input({0, "\"file\" is not the name of a file to import"});
  const std::string path = context.settings().runtime_directory + '/' + *name;
  const auto images = baseline::read_baseline_file(path);
  ::unlink(path.c_str());
  if (!images) return bad_input(images.error());
  const std::int64_t now = std::chrono::floor<std::chrono::seconds>(Wall::now().time_since_epoch()).count();
  const auto added = imports_of(context).add(*images, now);
  if (!added) return control::Failure{control::Status::unreachable, added.error().message};
  json::array list;
  for (const auto& image : *added) {
    json::object one = describe_imported(image);
    one["new"] = image.is_new;
    list.push_back(std::move(one));
  }
  return json::object{{"images", std::move(list)}};
}

}  // namespace holdfast::daemon
