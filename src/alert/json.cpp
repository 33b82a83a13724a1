#include "json.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "holdfast/alert/format.h"

#include "advice.h"
#include "words.h"

namespace holdfast::alert {
namespace {

namespace json = boost::json;

/// Fills one object; what is unknown stays out of it.
class Fields {
 public:
  Fields& text(std::string_view name, std::string_view raw, std::size_t limit) {
    if (!raw.empty()) object_[name] = bounded(raw, limit);
    return *this;
  }
  template <class T>
  Fields& number(std::string_view name, const std::optional<T>& value) {
    if (value) object_[name] = *value;
    return *this;
  }
  Fields& time(std::string_view name, const std::optional<FileTime>& value) {
    if (value)
      object_[name] =
          rfc3339(Wall::time_point(std::chrono::duration_cast<Wall::duration>(std::chrono::nanoseconds(*value))));
    return *this;
  }
  Fields& time(std::string_view name, const std::optional<Wall::time_point>& value) {
    if (value) object_[name] = rfc3339(*value);
    return *this;
  }
  Fields& permissions(std::string_view name, const std::optional<mode_t>& value) {
    if (value) object_[name] = fmt::format("{:04o}", *value & 07777U);
    return *this;
  }
  Fields& arguments(std::string_view name, const std::vector<std::string>& value, std::size_t limit) {
    if (!value.empty()) object_[name] = command_line(value, limit);
    return *this;
  }
  Fields& part(std::string_view name, json::object value) {
    if (!value.empty()) object_[name] = std::move(value);
    return *this;
  }
  Fields& list(std::string_view name, json::array value) {
    if (!value.empty()) object_[name] = std::move(value);
    return *this;
  }
  [[nodiscard]] json::object take() { return std::move(object_); }

 private:
  json::object object_;
};

std::optional<pid_t> known(pid_t pid) { return pid == 0 ? std::nullopt : std::optional(pid); }

json::object container_object(const ContainerInfo& container) {
  return Fields()
      .text("id", container.id, kMaxWord)
      .text("name", container.name, kMaxWord)
      .text("image", container.image, kMaxReference)
      .text("image_digest", container.image_digest, kMaxWord)
      .text("runtime", container.runtime, kMaxWord)
      .text("namespace", container.name_space, kMaxWord)
      .text("pod", container.pod, kMaxWord)
      .take();
}

json::object file_object(const FileInfo& file) {
  return Fields()
      .text("path", file.path, kMaxPath)
      .text("sha256", file.sha256, kMaxWord)
      .number("size", file.size)
      .permissions("mode", file.mode)
      .number("uid", file.uid)
      .number("gid", file.gid)
      .time("mtime", file.mtime)
      .time("ctime", file.ctime)
      .text("layer", file.layer, kMaxWord)
      .text("evidence", file.evidence, kMaxPath)
      .text("mount", file.mount, kMaxPath)
      .take();
}

json::object image_file_object(const ImageFileInfo& file) {
  return Fields()
      .text("sha256", file.sha256, kMaxWord)
      .number("size", std::optional(file.size))
      .permissions("mode", file.mode)
      .take();
}

json::object process_object(const ProcessInfo& process) {
  return Fields()
      .number("pid", known(process.pid))
      .number("ppid", process.ppid)
      .text("exe", process.exe, kMaxPath)
      .arguments("cmdline", process.cmdline, kMaxCommandLine)
      .number("uid", process.uid)
      .number("gid", process.gid)
      .text("cwd", process.cwd, kMaxPath)
      .text("tty", process.tty, kMaxWord)
      .time("started", process.started)
      .take();
}

json::object advice_object(const Alert& alert) {
  const Advice* const advice = advice_for(alert.kind, alert.reason);
  if (advice == nullptr) return {};
  return Fields()
      .text("meaning", advice->meaning, kMaxWord)
      .text("check", advice->check, kMaxWord)
      .text("action", advice->action, kMaxWord)
      .take();
}

json::array ancestor_array(const std::vector<ProcessInfo>& ancestors) {
  json::array array;
  for (std::size_t i = 0; i < std::min(ancestors.size(), kMaxAncestors); ++i) {
    array.push_back(Fields()
                        .number("pid", known(ancestors[i].pid))
                        .text("exe", ancestors[i].exe, kMaxAncestorPath)
                        .arguments("cmdline", ancestors[i].cmdline, kMaxAncestorCommandLine)
                        .take());
  }
  return array;
}

json::object writer_object(const WriterInfo& writer) {
  return Fields()
      .number("pid", known(writer.pid))
      .text("exe", writer.exe, kMaxPath)
      .arguments("cmdline", writer.cmdline, kMaxCommandLine)
      .number("uid", writer.uid)
      .time("time", std::optional(writer.time))
      .text("package_manager", writer.package_manager, kMaxWord)
      .number("package_manager_pid", known(writer.package_manager_pid))
      .text("how", to_string(writer.how), kMaxWord)
      .list("ancestors", ancestor_array(writer.ancestors))
      .take();
}

}  // namespace

json::object json_object(const Alert& alert) {
  Fields fields;
  fields.time("time", alert.time)
      .text("kind", to_string(alert.kind), kMaxWord)
      .text("verdict", alert.verdict, kMaxWord)
      .text("reason", alert.reason, kMaxWord)
      .text("mode", alert.mode, kMaxWord)
      .text("policy", alert.policy, kMaxWord)
      .text("rule", alert.rule, kMaxWord);
  if (alert.container) fields.part("container", container_object(*alert.container));
  if (alert.file) fields.part("file", file_object(*alert.file));
  if (alert.image_file) fields.part("image_file", image_file_object(*alert.image_file));
  if (alert.process) fields.part("process", process_object(*alert.process));
  fields.list("ancestors", ancestor_array(alert.ancestors));
  if (alert.writer) fields.part("writer", writer_object(*alert.writer));
  if (alert.made_executable) fields.part("made_executable", writer_object(*alert.made_executable));
  fields.number("repeats", std::optional(alert.repeats)).part("advice", advice_object(alert));
  json::object object = fields.take();
  object["message"] = message(alert);
  return object;
}

std::string to_json(const Alert& alert) { return json::serialize(json_object(alert)); }

}  // namespace holdfast::alert
