#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/baseline_file.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"

#include "commands.h"

namespace holdfast::cli {
namespace {

/// A copy beside the control socket, where the service can read it wherever the
/// file is; removed with this object.
class StagedFile {
 public:
  explicit StagedFile(const std::string& socket)
      : name_(fmt::format("import-{}", ::getpid())), path_(socket.substr(0, socket.rfind('/') + 1) + name_) {}
  ~StagedFile() { ::unlink(path_.c_str()); }
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  Result<void> write(const std::vector<baseline::ImageListing>& images) const {
    return baseline::write_baseline_file(path_, images);
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  const std::string name_, path_;
};

void show(const boost::json::value& result) {
  std::size_t came = 0;
  const auto& images = list_of(result, "images");
  for (const auto& image : images) {
    const bool is_new = flag_of(image, "new");
    came += is_new ? 1 : 0;
    const std::string names = joined(image, "names", ", ");
    print(fmt::format("{}  {}, {} files{}\n", short_id(text_of(image, "id")),
                      names.empty() ? joined(image, "digests", ", ") : names, number_of(image, "files"),
                      is_new ? "" : " (here already)"));
  }
  print(fmt::format("{} image{} imported, {} here already\n", came, came == 1 ? "" : "s", images.size() - came));
}

Status run_import(const Invocation& invocation) {
  // Looked at here first: nobody needs a service to learn that a file is
  // damaged.
  const auto images = baseline::read_baseline_file(invocation.arguments.words[0]);
  if (!images) {
    complain(images.error().message);
    return Status::bad_input;
  }
  // The service's answer says best what is wrong if it does not run or refuses.
  if (const Reply reply = ask(invocation, "ping"); !reply.ok()) return reply.status;
  const StagedFile staged(invocation.socket);
  if (auto written = staged.write(*images); !written) {
    complain(written.error().message);
    return written.error().code == EACCES ? Status::not_permitted : Status::unreachable;
  }
  const Reply reply = ask(invocation, "baseline.import", {{"file", staged.name()}}, {}, std::nullopt);
  if (!reply.ok()) return reply.status;
  if (invocation.json) {
    print_json(reply.value);
  } else {
    show(reply.value);
  }
  return Status::fine;
}

}  // namespace

Command baseline_import_command() {
  return {.name = "baseline import",
          .synopsis = "FILE",
          .summary = "keep baselines from a file, to look at and compare",
          .details =
              "Gives the service the baselines of a file that `baseline "
              "build` or `baseline export` has written; all of "
              "them, or none if anything is wrong with the file. They "
              "serve `baseline show`, `export` and `diff`. They "
              "never decide what may run here: a container's baseline "
              "always comes from its own layers.",
          .options = {},
          .words = {1, 1},
          .run = run_import};
}

}  // namespace holdfast::cli
