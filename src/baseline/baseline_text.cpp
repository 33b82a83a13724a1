#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "holdfast/base/printable.h"
#include "holdfast/base/text.h"
#include "holdfast/baseline/baseline_file.h"

namespace holdfast::baseline {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kFormat = 1;
constexpr std::string_view kBegin = "{\"holdfast_baseline\":";
constexpr std::size_t kMostImages = 100'000;
constexpr std::size_t kMostTexts = 4096;  ///< names or digests of an image
constexpr std::size_t kMostText = 4096;   ///< bytes of one
constexpr std::size_t kMostLine = std::size_t{1024} * 1024;

json::array list_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(json::string(printable(text)));
  return out;
}

std::string line(const json::object& object) { return json::serialize(object) + '\n'; }

Error bad(const std::string& what) { return {EINVAL, what}; }

/// Members of one line's object, each read once; what is left over is an error.
class Members {
 public:
  explicit Members(json::object object) : object_(std::move(object)) {}

  Result<json::value> take(std::string_view key) {
    const auto found = object_.find({key.data(), key.size()});
    if (found == object_.end()) return bad(fmt::format("there is no \"{}\"", key));
    json::value value = std::move(found->value());
    object_.erase(found);
    return value;
  }
  Result<std::string> text(std::string_view key) {
    auto value = take(key);
    if (!value) return value.error();
    return to_text(*value, key);
  }
  Result<std::vector<std::string>> texts(std::string_view key) {
    auto value = take(key);
    if (!value) return value.error();
    if (!value->is_array() || value->get_array().size() > kMostTexts) return bad(fmt::format("\"{}\" is no list", key));
    std::vector<std::string> out;
    for (const json::value& one : value->get_array()) {
      auto text = to_text(one, key);
      if (!text) return text.error();
      out.push_back(std::move(*text));
    }
    return out;
  }
  Result<std::uint64_t> number(std::string_view key) {
    auto value = take(key);
    if (!value) return value.error();
    json::error_code failed;
    const auto number = value->to_number<std::uint64_t>(failed);
    if (failed) return bad(fmt::format("\"{}\" is no whole number", key));
    return number;
  }
  [[nodiscard]] Result<void> nothing_left() const {
    if (object_.empty()) return {};
    const auto key = object_.begin()->key();
    return bad(fmt::format("\"{}\" is not known here", shorten(printable({key.data(), key.size()}), 80)));
  }

 private:
  static Result<std::string> to_text(const json::value& value, std::string_view key) {
    if (!value.is_string() || value.get_string().size() > 4 * kMostText)
      return bad(fmt::format("\"{}\" is no text", key));
    auto bytes = parse_printable({value.get_string().data(), value.get_string().size()});
    if (!bytes) return bad(fmt::format("\"{}\": {}", key, bytes.error().message));
    return bytes;
  }
  json::object object_;
};

Result<Members> parse_line(std::string_view text) {
  if (text.size() > kMostLine) return bad("it is too long");
  json::parse_options options;
  options.max_depth = 4;
  json::error_code failed;
  auto value = json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed) return bad(fmt::format("it is not valid JSON: {}", failed.message()));
  if (!value.is_object()) return bad("it is no JSON object");
  return Members(std::move(value.as_object()));
}

/// An absolute path without empty, "." or ".." parts: the only one by which a baseline knows a file.
bool is_file_path(std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(part.size());
  }
  return true;
}

Result<ListedFile> to_file(Members members) {
  ListedFile file;
  auto path = members.text("path");
  if (!path) return path.error();
  if (!is_file_path(*path)) return bad("\"path\" is no path of a file");
  file.path = std::move(*path);
  auto mode = members.text("mode");
  if (!mode) return mode.error();
  const char* const end = mode->data() + mode->size();
  const auto [stopped, code] = std::from_chars(mode->data(), end, file.mode, 8);
  if (code != std::errc() || stopped != end || fmt::format("{:04o}", file.mode) != *mode || file.mode > 07777) {
    return bad("\"mode\" is not four octal digits");
  }
  auto size = members.number("size");
  if (!size) return size.error();
  file.size = *size;
  auto sha256 = members.take("sha256");
  if (!sha256) return sha256.error();
  if (!sha256->is_null()) {
    const json::string* const hex = sha256->if_string();
    if (hex != nullptr) file.sha256 = parse_sha256({hex->data(), hex->size()});
    if (!file.sha256) return bad("\"sha256\" is no SHA-256");
  }
  if (auto done = members.nothing_left(); !done) return done.error();
  return file;
}

/// Reads line after line.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<std::vector<ImageListing>> read() {
    auto images = read_images();
    if (images) return images;
    return Error{images.error().code, fmt::format("line {}: {}", line_, images.error().message)};
  }

 private:
  Result<Members> next() {
    ++line_;
    const std::size_t end = rest_.find('\n');
    if (rest_.empty() || end == std::string_view::npos) return bad("the file ends here, before its end");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return parse_line(text);
  }

  Result<std::vector<ImageListing>> read_images() {
    if (!begins_baseline_file(rest_)) return bad("this is no baseline file");
    auto header = next();
    if (!header) return header.error();
    auto format = header->number("holdfast_baseline");
    if (!format) return format.error();
    if (*format != kFormat) {
      return bad(fmt::format("the file has format {}, and this Holdfast knows {} only; use the one that wrote it",
                             *format, kFormat));
    }
    auto count = header->number("images");
    if (!count) return count.error();
    if (auto done = header->nothing_left(); !done) return done.error();
    if (*count > kMostImages) return bad("there are too many images");
    std::vector<ImageListing> images;
    for (std::uint64_t i = 0; i < *count; ++i) {
      auto image = read_image();
      if (!image) return image.error();
      images.push_back(std::move(*image));
    }
    auto end = next();
    if (!end) return end.error();
    auto files = end->number("end");
    if (!files) return files.error();
    if (auto done = end->nothing_left(); !done) return done.error();
    if (*files != files_ || !rest_.empty()) return bad("the file's end is not where it says");
    return images;
  }

  Result<ImageListing> read_image() {
    auto members = next();
    if (!members) return members.error();
    ImageListing image;
    auto id = members->text("image");
    if (!id) return id.error();
    if (!parse_sha256(*id)) return bad("\"image\" is no id");
    image.id = std::move(*id);
    auto kind = members->text("kind");
    if (!kind) return kind.error();
    static constexpr std::array<std::string_view, 3> kKinds = {"layers", "snapshot", "archive"};
    if (std::find(kKinds.begin(), kKinds.end(), *kind) == kKinds.end()) return bad("\"kind\" is none that there is");
    image.kind = std::move(*kind);
    auto names = members->texts("names");
    if (!names) return names.error();
    image.names = std::move(*names);
    auto digests = members->texts("digests");
    if (!digests) return digests.error();
    image.digests = std::move(*digests);
    auto platform = members->text("platform");
    if (!platform) return platform.error();
    image.platform = std::move(*platform);
    auto count = members->number("files");
    if (!count) return count.error();
    auto content = members->text("content");
    if (!content) return content.error();
    if (auto done = members->nothing_left(); !done) return done.error();
    if (auto done = read_files(image, *count); !done) return done.error();
    if (content_of(image) != *content) return bad("the image's files are not those that its \"content\" stands for");
    return image;
  }

  Result<void> read_files(ImageListing& image, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto members = next();
      if (!members) return members.error();
      auto file = to_file(std::move(*members));
      if (!file) return file.error();
      if (!image.files.empty() && image.files.back().path >= file->path) return bad("the files are not in order");
      image.files.push_back(std::move(*file));
      ++files_;
    }
    return {};
  }

  std::string_view rest_;
  std::uint64_t line_ = 0, files_ = 0;
};

}  // namespace

bool begins_baseline_file(std::string_view start) { return start.starts_with(kBegin); }

std::string baseline_text(const std::vector<ImageListing>& images) {
  std::string text = line({{"holdfast_baseline", kFormat}, {"images", images.size()}});
  std::uint64_t files = 0;
  for (const ImageListing& image : images) {
    text += line({{"image", image.id},
                  {"kind", image.kind},
                  {"names", list_of(image.names)},
                  {"digests", list_of(image.digests)},
                  {"platform", printable(image.platform)},
                  {"files", image.files.size()},
                  {"content", content_of(image)}});
    for (const ListedFile& file : image.files) {
      text += line({{"path", printable(file.path)},
                    {"mode", fmt::format("{:04o}", file.mode)},
                    {"size", file.size},
                    {"sha256", file.sha256 ? json::value(to_hex(*file.sha256)) : json::value(nullptr)}});
      ++files;
    }
  }
  return text + line({{"end", files}});
}

Result<std::vector<ImageListing>> parse_baseline_text(std::string_view text) { return Reader(text).read(); }

}  // namespace holdfast::baseline
