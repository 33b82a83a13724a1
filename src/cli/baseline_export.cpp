#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/baseline_file.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"

#include "commands.h"
#include "listing.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

/// The ids of all complete baselines; the others are told of.
std::variant<std::vector<std::string>, Status> all_images(const Invocation& invocation) {
  const Reply reply = ask(invocation, "baseline.list");
  if (!reply.ok()) return reply.status;
  std::vector<std::string> ids;
  for (const auto& image : list_of(reply.value, "baselines")) {
    if (text_of(image, "state") == "complete") {
      ids.push_back(text_of(image, "id"));
    } else {
      complain(fmt::format("baseline {} is left out: it is not complete", short_id(text_of(image, "id"))));
    }
  }
  return ids;
}

Status write_images(const Invocation& invocation, const std::vector<std::string>& images, const std::string& file) {
  std::vector<baseline::ImageListing> listings;
  for (const auto& image : images) {
    auto loaded = load_stored(invocation, image);
    if (const auto* status = std::get_if<Status>(&loaded)) return *status;
    listings.push_back(std::get<baseline::ImageListing>(std::move(loaded)));
  }
  if (file == "-") {
    print(baseline::baseline_text(listings));
    return Status::fine;
  }
  if (auto written = baseline::write_baseline_file(file, listings); !written) {
    complain(written.error().message);
    return Status::bad_input;
  }
  if (invocation.json) {
    json::array list;
    for (const auto& listing : listings) list.push_back(describe(listing));
    print_json(json::object{{"images", std::move(list)}});
    return Status::fine;
  }
  for (const auto& listing : listings) print(headline(listing) + '\n');
  print(fmt::format("{} image{} written to {}\n", listings.size(), listings.size() == 1 ? "" : "s", printable(file)));
  return Status::fine;
}

Status run_export(const Invocation& invocation) {
  std::vector<std::string> images = invocation.arguments.words;
  const std::string file = images.back();
  images.pop_back();
  if (invocation.arguments.has("all") != images.empty()) {
    complain(
        "give either images or --all, and then a file; see holdfast "
        "baseline export --help");
    return Status::bad_input;
  }
  if (images.empty()) {
    auto all = all_images(invocation);
    if (const auto* status = std::get_if<Status>(&all)) return *status;
    images = std::get<std::vector<std::string>>(std::move(all));
  }
  return write_images(invocation, images, file);
}

}  // namespace

Command baseline_export_command() {
  return {.name = "baseline export",
          .synopsis = "IMAGE... | --all  FILE",
          .summary = "write baselines into a file",
          .details =
              "Writes what the service knows of images into a baseline "
              "file, for `baseline diff` and `baseline import` "
              "here or on another host (- for standard output).",
          .options = {{"all", 0, "", "every image with a complete baseline"}},
          .words = {1, WordCount::kAny},
          .run = run_export};
}

}  // namespace holdfast::cli
