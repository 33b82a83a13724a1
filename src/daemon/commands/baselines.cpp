#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"

#include "describe.h"
#include "handlers.h"
#include "imports.h"

namespace holdfast::daemon {
namespace {

namespace json = boost::json;

/// Progress is for eyes: this often is enough.
constexpr std::chrono::milliseconds kBetweenProgress{100};

json::object describe_image(const baseline::ImageSummary& image) {
  return {{"id", image.id},
          {"kind", image.kind},
          {"state", image.state},
          {"names", describe(image.names)},
          {"digests", describe(image.digests)},
          {"files", image.files},
          {"bytes", image.bytes},
          {"captured", describe(image.captured)},
          {"last_used", describe(image.last_used)},
          {"in_use", image.in_use}};
}

json::object describe_file(const baseline::ImageFile& file) {
  return {{"path", printable(file.path)},
          {"mode", describe_mode(file.mode)},
          {"size", file.identity.size},
          {"executable", file.executable},
          {"sha256", describe(file.sha256)}};
}

const char* to_text(baseline::Difference::What what) {
  switch (what) {
    case baseline::Difference::What::added:
      return "added";
    case baseline::Difference::What::removed:
      return "removed";
    case baseline::Difference::What::changed:
      break;
  }
  return "changed";
}

/// IMAGE, or CONTAINER where the command takes one: the baseline's id.
Result<std::string> find_baseline(const ServiceContext& context, const std::string& target, bool containers_too) {
  auto image = context.catalog.resolve(target);
  if (image) return image;
  if (imports_of(context).find(target)) {
    return Error{
        0, fmt::format("'{}' was imported: its layers are not here; see holdfast baseline diff", printable(target))};
  }
  if (!containers_too) return image;
  const auto container = context.registry.resolve(target);
  if (container && (*container)->baseline() != nullptr) return (*container)->baseline()->id();
  return Error{0, fmt::format("{}; nor is it a container ({})", image.error().message,
                              container ? "it has no baseline" : container.error().message)};
}

Result<std::vector<std::string>> all_baselines(const ServiceContext& context) {
  const auto images = context.catalog.list();
  if (!images) return images.error();
  std::vector<std::string> ids;
  for (const auto& image : *images) ids.push_back(image.id);
  return ids;
}

/// Reads images again, one after the other, and tells what differs.
class Reread {
 public:
  Reread(const ServiceContext& context, control::Stream& stream, bool write)
      : context_(context), stream_(stream), write_(write) {}

  Result<void> image(const std::string& id) {
    const auto differences = context_.catalog.verify(
        id, write_, [&](std::uint64_t done, std::uint64_t all) { return tell_progress(id, done, all); });
    if (!differences) return differences.error();
    ++images_;
    for (const auto& difference : *differences) {
      ++differences_;
      if (!stream_.item(json::object{{"image", id},
                                     {"what", to_text(difference.what)},
                                     {"path", printable(difference.path)},
                                     {"before", describe(difference.before)},
                                     {"after", describe(difference.after)}})) {
        break;
      }
    }
    return {};
  }

  void failed(const std::string& id, const std::string& why) {
    ++failures_;
    stream_.item(json::object{{"image", id}, {"what", "unreadable"}, {"why", control::readable(why)}});
  }

  [[nodiscard]] json::object summary() const {
    return {{"images", images_}, {"differences", differences_}, {"failures", failures_}};
  }

 private:
  bool tell_progress(const std::string& id, std::uint64_t done, std::uint64_t all) {
    const auto now = Steady::now();
    if (done < all && now - told_ < kBetweenProgress) return !stream_.closed();
    told_ = now;
    return stream_.progress(json::object{{"image", id}, {"done", done}, {"all", all}});
  }

  const ServiceContext& context_;
  control::Stream& stream_;
  const bool write_;
  Steady::time_point told_{};
  std::uint64_t images_ = 0, differences_ = 0, failures_ = 0;
};

/// Images of which one cannot be read (its layers are gone, say) do not keep the others from being read.
control::Answer reread_all(const ServiceContext& context, control::Stream& stream, bool write) {
  const auto ids = all_baselines(context);
  if (!ids) return control::Failure{control::Status::unreachable, ids.error().message};
  Reread reread(context, stream, write);
  for (const auto& id : *ids) {
    if (stream.closed()) break;
    if (const auto done = reread.image(id); !done) reread.failed(id, done.error().message);
  }
  return reread.summary();
}

control::Answer reread_one(const ServiceContext& context, control::Stream& stream, bool write,
                           const std::string& target) {
  const auto id = find_baseline(context, target, write);
  if (!id) return bad_input(id.error());
  Reread reread(context, stream, write);
  if (const auto done = reread.image(*id); !done) return bad_input(done.error());
  return reread.summary();
}

/// For an image that no container had here.
control::Answer show_imported(const ServiceContext& context, const std::string& image, const Error& not_captured,
                              control::Stream& stream) {
  const auto imported = imports_of(context).find(image);
  // What is not here at all is told of in the words of what usually is.
  if (!imported) return bad_input(imported.error().code == ENOENT ? not_captured : imported.error());
  for (const auto& file : imported->listing.files) {
    if (!stream.item(describe_file({file.path, {0, file.size, 0, 0}, file.mode, file.executable(), file.sha256})))
      break;
  }
  return describe_imported(*imported);
}

}  // namespace

control::Answer baseline_list(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({}); !known) return bad_input(known.error());
  const auto images = context.catalog.list();
  if (!images) return control::Failure{control::Status::unreachable, images.error().message};
  json::array list;
  for (const auto& image : *images) list.push_back(describe_image(image));
  const auto imported = imports_of(context).list();
  if (!imported) return control::Failure{control::Status::unreachable, imported.error().message};
  for (const auto& image : *imported) list.push_back(describe_imported(image));
  return json::object{{"baselines", std::move(list)}};
}

control::Answer baseline_show(const ServiceContext& context, const control::Request& request, control::Stream& stream) {
  if (const auto known = request.only({"image"}); !known) return bad_input(known.error());
  const auto image = request.required_text("image");
  if (!image) return bad_input(image.error());
  const auto id = context.catalog.resolve(*image);
  if (!id && id.error().code != ENOTUNIQ) return show_imported(context, *image, id.error(), stream);
  if (!id) return bad_input(id.error());
  const auto images = context.catalog.list();
  if (!images) return control::Failure{control::Status::unreachable, images.error().message};
  const auto summary = std::ranges::find(*images, *id, &baseline::ImageSummary::id);
  if (summary == images->end()) return bad_input({0, fmt::format("baseline {} has just been removed", *id)});
  const auto files = context.catalog.files(*id);
  if (!files) return control::Failure{control::Status::unreachable, files.error().message};
  for (const auto& file : *files) {
    if (!stream.item(describe_file(file))) break;
  }
  return describe_image(*summary);
}

control::Answer baseline_verify(const ServiceContext& context, const control::Request& request,
                                control::Stream& stream) {
  if (const auto known = request.only({"image"}); !known) return bad_input(known.error());
  const auto image = request.text("image");
  if (!image) return bad_input(image.error());
  return *image ? reread_one(context, stream, false, **image) : reread_all(context, stream, false);
}

control::Answer baseline_rebuild(const ServiceContext& context, const control::Request& request,
                                 control::Stream& stream) {
  if (const auto known = request.only({"target", "all"}); !known) return bad_input(known.error());
  const auto target = request.text("target");
  if (!target) return bad_input(target.error());
  const auto all = request.flag("all");
  if (!all) return bad_input(all.error());
  if (target->has_value() == *all) {
    return bad_input({0, "\"baseline.rebuild\" needs either a \"target\" (an image or a container) or \"all\""});
  }
  return *all ? reread_all(context, stream, true) : reread_one(context, stream, true, **target);
}

control::Answer baseline_prune(const ServiceContext& context, const control::Request& request) {
  if (const auto known = request.only({"unused_seconds", "imported"}); !known) return bad_input(known.error());
  const auto unused = request.number("unused_seconds");
  if (!unused) return bad_input(unused.error());
  const auto imported = request.flag("imported");
  if (!imported) return bad_input(imported.error());
  const std::int64_t now = std::chrono::floor<std::chrono::seconds>(Wall::now().time_since_epoch()).count();
  const std::int64_t before = now - std::min(unused->value_or(0), now);
  // What was imported in this very second goes, too, if no time is asked for.
  const auto removed =
      *imported ? imports_of(context).remove(unused->has_value() ? before : before + 1) : context.catalog.prune(before);
  if (!removed) return control::Failure{control::Status::unreachable, removed.error().message};
  return json::object{{"removed", *removed}};
}

}  // namespace holdfast::daemon
