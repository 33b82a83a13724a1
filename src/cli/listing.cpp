#include "listing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "holdfast/base/printable.h"
#include "holdfast/base/text.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/baseline/archive.h"
#include "holdfast/baseline/baseline_file.h"
#include "holdfast/cli/json_view.h"
#include "holdfast/cli/output.h"
#include "holdfast/cli/service.h"
#include "holdfast/cli/units.h"

namespace holdfast::cli {
namespace {

namespace json = boost::json;
using baseline::ImageListing;
using baseline::ListedFile;

json::array list_of_printable(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(json::string(printable(text)));
  return out;
}

std::uint64_t bytes_of(const ImageListing& listing) {
  std::uint64_t bytes = 0;
  for (const auto& file : listing.files) bytes += file.size;
  return bytes;
}

std::variant<ImageListing, Status> fail_listing(const Error& error) {
  complain(error.message);
  return Status::bad_input;
}

std::string raw_text(const json::value& value, std::string_view key) {
  const json::string* const text = member_of(value, key).if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::vector<std::string> raw_texts(const json::value& value, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& one : list_of(value, key)) {
    const json::string* const text = one.if_string();
    auto bytes = text == nullptr ? std::string() : parse_printable({text->data(), text->size()});
    if (bytes) out.push_back(std::move(*bytes));
  }
  return out;
}

Result<ListedFile> file_of(const json::value& item) {
  ListedFile file;
  auto path = parse_printable(raw_text(item, "path"));
  if (!path) return path.error();
  file.path = std::move(*path);
  const std::string mode = raw_text(item, "mode");
  std::from_chars(mode.data(), mode.data() + mode.size(), file.mode, 8);
  file.size = number_of(item, "size");
  file.sha256 = parse_sha256(raw_text(item, "sha256"));
  return file;
}

bool is_called(const ImageListing& listing, const std::string& wanted) {
  const auto means = [&](const std::string& text) { return text == wanted || text.ends_with('/' + wanted); };
  return listing.id.starts_with(wanted) || std::ranges::any_of(listing.names, means) ||
         std::ranges::find(listing.digests, wanted) != listing.digests.end();
}

std::variant<ImageListing, Status> load_file(const std::string& path, const ListingChoice& choice) {
  auto images = baseline::read_baseline_file(path);
  if (!images) return fail_listing(images.error());
  if (!choice.image.empty()) std::erase_if(*images, [&](const auto& one) { return !is_called(one, choice.image); });
  if (images->size() == 1) return std::move(images->front());
  const std::string what = images->empty() ? "no such image" : fmt::format("{} images", images->size());
  return fail_listing({0, fmt::format("{}: the baseline file has {}; say which one is meant (--image-a, --image-b)",
                                      printable(path), what)});
}

enum class Input { none, archive, baseline_file };

Input look_at(const std::string& word) {
  const UniqueFd fd(::open(word.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat st {};
  // What is there and cannot be read is still what was meant: reading it says why not.
  if (!fd) return ::stat(word.c_str(), &st) == 0 ? Input::archive : Input::none;
  std::array<char, 64> start{};
  const ssize_t got = ::read(fd.get(), start.data(), start.size());
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  return baseline::begins_baseline_file({start.data(), size}) ? Input::baseline_file : Input::archive;
}

}  // namespace

json::object describe(const ImageListing& listing) {
  return {{"id", listing.id},
          {"kind", listing.kind},
          {"names", list_of_printable(listing.names)},
          {"digests", list_of_printable(listing.digests)},
          {"platform", listing.platform.empty() ? json::value(nullptr) : json::value(printable(listing.platform))},
          {"files", listing.files.size()},
          {"bytes", bytes_of(listing)}};
}

json::object describe(const ListedFile& file) {
  return {{"path", printable(file.path)},
          {"mode", fmt::format("{:04o}", file.mode)},
          {"size", file.size},
          {"executable", file.executable()},
          {"sha256", file.sha256 ? json::value(to_hex(*file.sha256)) : json::value(nullptr)}};
}

std::string headline(const ImageListing& listing) {
  std::string who;
  for (const auto& name : listing.names) who += (who.empty() ? "" : ", ") + printable(name);
  if (who.empty()) who = listing.digests.empty() ? short_id(listing.id) : printable(listing.digests.front());
  if (!listing.platform.empty()) who += fmt::format(" for {}", printable(listing.platform));
  const std::size_t count = listing.files.size();
  return fmt::format("{}: {} file{} that can execute or be loaded ({})", who, human_count(count), count == 1 ? "" : "s",
                     human_bytes(bytes_of(listing)));
}

std::variant<ImageListing, Status> load_archive(const Invocation& invocation, const std::string& path,
                                                const ListingChoice& choice) {
  ProgressBar bar(invocation.err);
  const baseline::ArchiveOptions options{choice.platform, choice.image, [&](std::uint64_t done, std::uint64_t all) {
                                           bar.show("reading layers", done, all);
                                           return true;
                                         }};
  auto listing = baseline::read_archive(path, options);
  bar.clear();
  if (!listing) return fail_listing(listing.error());
  return std::move(*listing);
}

std::variant<ImageListing, Status> load_stored(const Invocation& invocation, const std::string& image) {
  ImageListing listing;
  std::optional<Error> broken;
  const auto keep = [&](control::Message::Kind kind, const json::value& value) {
    if (kind != control::Message::Kind::item) return;
    auto file = file_of(value);
    if (file) {
      listing.files.push_back(std::move(*file));
    } else {
      broken = file.error();
    }
  };
  const Reply reply = ask(invocation, "baseline.show", {{"image", argument(image)}}, keep);
  if (!reply.ok()) return reply.status;
  if (broken) return fail_listing({0, fmt::format("the service's answer is wrong: {}", broken->message)});
  listing.id = raw_text(reply.value, "id");
  listing.kind = raw_text(reply.value, "kind");
  listing.names = raw_texts(reply.value, "names");
  listing.digests = raw_texts(reply.value, "digests");
  listing.platform = raw_text(reply.value, "platform");
  // An imported one stays what it was where it came from.
  if (const auto& imported = member_of(reply.value, "imported"); imported.is_object()) {
    listing.id = raw_text(imported, "id");
    listing.kind = raw_text(imported, "kind");
  }
  std::ranges::sort(listing.files, {}, &ListedFile::path);
  return listing;
}

std::variant<ImageListing, Status> load_listing(const Invocation& invocation, const std::string& word,
                                                const ListingChoice& choice) {
  switch (look_at(word)) {
    case Input::archive:
      return load_archive(invocation, word, choice);
    case Input::baseline_file:
      return load_file(word, choice);
    case Input::none:
      break;
  }
  return load_stored(invocation, word);
}

}  // namespace holdfast::cli
