#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/baseline_file.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/table.h"
#include "holdfast/cli/units.h"

#include "commands.h"
#include "listing.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;

void print_files(const baseline::ImageListing& listing, const Invocation& invocation) {
  if (invocation.json) {
    json::array files;
    for (const auto& file : listing.files) files.push_back(describe(file));
    json::object document = describe(listing);
    document["file_list"] = std::move(files);
    print_json(std::move(document));
    return;
  }
  Table table({{"SHA256"}, {"MODE"}, {"SIZE", Table::Align::right}, {"PATH"}});
  for (const auto& file : listing.files) {
    const std::string hash = file.sha256 ? to_hex(*file.sha256) : "-";
    table.add({{invocation.out.interactive ? short_id(hash) : hash},
               {fmt::format("{:04o}", file.mode)},
               {human_bytes(file.size)},
               {printable(file.path)}});
  }
  print(headline(listing) + "\n\n" + table.render(invocation.out));
}

Status write_file(const baseline::ImageListing& listing, const std::string& path, const Invocation& invocation) {
  if (path == "-") {
    print(baseline::baseline_text({listing}));
    return Status::fine;
  }
  if (auto written = baseline::write_baseline_file(path, {listing}); !written) {
    complain(written.error().message);
    return Status::bad_input;
  }
  if (invocation.json) {
    print_json(describe(listing));
  } else {
    print(fmt::format("{}\nwritten to {}\n", headline(listing), printable(path)));
  }
  return Status::fine;
}

Status run_build(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const auto loaded = load_archive(
      invocation, arguments.words[0],
      {arguments.value("image").value_or(std::string()), arguments.value("platform").value_or(std::string())});
  if (const auto* status = std::get_if<Status>(&loaded)) return *status;
  const auto& listing = std::get<baseline::ImageListing>(loaded);
  if (const auto output = arguments.value("output")) return write_file(listing, *output, invocation);
  print_files(listing, invocation);
  return Status::fine;
}

}  // namespace

Command baseline_build_command() {
  return {
      .name = "baseline build",
      .synopsis = "ARCHIVE",
      .summary = "what an image archive ships, without a service",
      .details =
          "Reads an OCI image layout (a directory or a tar) or a docker archive, lays its layers upon each other as "
          "a runtime does, and shows what can execute in it, or writes that into a baseline file for `baseline "
          "diff` and `import`. Needs neither a service nor root.",
      .options = {{"output", 'o', "FILE", "write a baseline file (- for standard output)"},
                  {"image", 0, "NAME", "which of the archive's images"},
                  {"platform", 0, "OS/ARCH", "for which platform; this host's by default"}},
      .words = {1, 1},
      .run = run_build};
}

}  // namespace holdfast::cli
