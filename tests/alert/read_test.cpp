#include "holdfast/alert/read.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "holdfast/alert/format.h"

using namespace holdfast;
using namespace holdfast::alert;
namespace json = boost::json;

namespace {

Alert drift() {
  Alert alert;
  alert.time = Wall::time_point(std::chrono::microseconds(1'795'000'000'123'456));
  alert.verdict = "deny";
  alert.reason = "modified";
  alert.mode = "prevent";
  alert.policy = "50-web.policy";
  alert.rule = "odd \\ name";
  alert.container = ContainerInfo{"abc", "web-1", "nginx:1.27", "sha256:12", "crun", "prod", "pod-1"};
  alert.file = FileInfo();
  alert.file->path = "/opt/\xff\n\\x";
  alert.file->sha256 = std::string(64, 'a');
  alert.file->size = 4711;
  alert.file->mode = 0100755;
  alert.file->layer = "upper";
  alert.file->mount = "tmpfs 0:53 at /mnt";
  alert.image_file = ImageFileInfo{std::string(64, 'b'), 17, 0100644};
  alert.process = ProcessInfo();
  alert.process->pid = 99;
  alert.process->exe = "/bin/sh";
  alert.writer = WriterInfo();
  alert.writer->pid = 98;
  alert.writer->exe = "/usr/bin/curl";
  alert.repeats = 3;
  return alert;
}

/// `journalctl -o json` of the fields that the service sends.
json::object journal_entry(const Alert& alert) {
  json::object entry{{"__REALTIME_TIMESTAMP", "1795000009000000"},
                     {"_SOURCE_REALTIME_TIMESTAMP", "1795000000123456"},
                     {"_UID", "0"},
                     {"_PID", "12"}};
  for (const auto& [name, value] : to_journal(alert)) entry[name] = value;
  return entry;
}

void check_same(const Record& record) {
  const Alert wanted = drift();
  const Alert& got = record.alert;
  CHECK(record.cut.empty());
  CHECK(got.time == wanted.time);
  CHECK(got.kind == wanted.kind);
  CHECK(got.verdict == wanted.verdict);
  CHECK(got.reason == wanted.reason);
  CHECK(got.mode == wanted.mode);
  CHECK(got.policy == wanted.policy);
  CHECK(got.rule == wanted.rule);
  CHECK(got.container->id == wanted.container->id);
  CHECK(got.container->name_space == wanted.container->name_space);
  CHECK(got.container->image_digest == wanted.container->image_digest);
  CHECK(got.file->path == wanted.file->path);
  CHECK(got.file->sha256 == wanted.file->sha256);
  CHECK(got.file->size == wanted.file->size);
  CHECK(got.file->mode == 0755);
  CHECK(got.file->layer == wanted.file->layer);
  CHECK(got.file->mount == wanted.file->mount);
  CHECK(got.image_file->sha256 == wanted.image_file->sha256);
  CHECK(got.image_file->mode == 0644);
  CHECK(got.process->exe == wanted.process->exe);
  CHECK(got.writer->exe == wanted.writer->exe);
  CHECK(got.repeats == 3);
}

std::string refusal(const std::string& line) {
  const auto record = read_record(line);
  REQUIRE(!record.ok());
  return record.error().message;
}

/// The alert's JSON with one field changed.
std::string with(std::initializer_list<const char*> path, json::value value) {
  json::value alert = json::parse(to_json(drift()));
  json::value* at = &alert;
  for (const char* key : path) at = &at->as_object()[key];
  *at = std::move(value);
  return json::serialize(alert);
}

}  // namespace

TEST_CASE("an alert that a sink wrote is read back, as JSON and as journalctl shows it") {
  check_same(**read_record(to_json(drift())));
  check_same(**read_record(json::serialize(journal_entry(drift()))));
  std::vector<std::pair<std::string, std::string>> fields = to_journal(drift());
  check_same(**read_record(fields, drift().time));
}

TEST_CASE("entries that the service has not written are no alerts") {
  auto entry = journal_entry(drift());
  entry["_UID"] = "1000";
  CHECK_FALSE(read_record(json::serialize(entry))->has_value());
  entry = journal_entry(drift());
  entry["SYSLOG_IDENTIFIER"] = "sshd";
  CHECK_FALSE(read_record(json::serialize(entry))->has_value());
  entry.erase("HOLDFAST_KIND");
  CHECK_FALSE(read_record(json::serialize(entry))->has_value());
  CHECK_FALSE(read_record({{"MESSAGE", "x"}}, Wall::now())->has_value());
}

TEST_CASE("what is not there whole is not taken for the whole") {
  Alert alert = drift();
  alert.file->path = "/" + std::string(5000, 'x');
  auto record = **read_record(to_json(alert));
  CHECK(record.cut == std::vector<std::string>{"file.path"});
  CHECK(record.alert.file->path.empty());
  // journalctl without --all: long values are null.
  auto entry = journal_entry(drift());
  entry["HOLDFAST_FILE_PATH"] = nullptr;
  record = **read_record(json::serialize(entry));
  CHECK(record.cut == std::vector<std::string>{"file.path"});
  // A name may end so by itself.
  alert.file->path = "/tmp/…";
  record = **read_record(to_json(alert));
  CHECK(record.cut.empty());
  CHECK(record.alert.file->path == "/tmp/…");
}

TEST_CASE("every length around the sink's limit is told from a cut") {
  for (std::size_t length = 4080; length < 4110; ++length) {
    for (const char* end : {"x", "é", "…", "\xff"}) {
      Alert alert = drift();
      alert.file->path = "/" + std::string(length, 'a') + end;
      const auto record = **read_record(to_json(alert));
      if (record.cut.empty()) CHECK(record.alert.file->path == alert.file->path);
    }
  }
}

TEST_CASE("wrong records are refused with the field's name, never guessed at") {
  CHECK(refusal("").find("JSON") != std::string::npos);
  CHECK(refusal("[1]").find("not a JSON object") != std::string::npos);
  const std::string whole = to_json(drift());
  CHECK(refusal(whole.substr(0, whole.size() / 2)).find("cut short") != std::string::npos);
  CHECK(refusal("{}").find("time") != std::string::npos);
  CHECK(refusal(with({"time"}, "yesterday")).starts_with("time "));
  for (const char* time : {"2026-13-01T00:00:00.000000Z", "9999-01-01T00:00:00.000000Z", "1969-12-31T00:00:00.000000Z",
                           "2026-01-01T24:00:00.000000Z", "2026-01-01T00:00:00.00000zZ"}) {
    CHECK(refusal(with({"time"}, time)).starts_with("time "));
  }
  auto entry = journal_entry(drift());
  for (const char* time : {"99999999999999999", "-1", "", "x"}) {
    entry["__REALTIME_TIMESTAMP"] = entry["_SOURCE_REALTIME_TIMESTAMP"] = time;
    CHECK(refusal(json::serialize(entry)).find("no time") != std::string::npos);
  }
  CHECK(refusal(with({"kind"}, "else")).starts_with("kind "));
  CHECK(refusal(with({"file"}, 1)).starts_with("file "));
  CHECK(refusal(with({"file", "path"}, 1)).starts_with("file.path "));
  CHECK(refusal(with({"file", "path"}, "/a\nb")).starts_with("file.path "));
  CHECK(refusal(with({"file", "path"}, "/a\\b")).starts_with("file.path "));
  CHECK(refusal(with({"file", "path"}, std::string(4097, 'x').c_str())).starts_with("file.path "));
  CHECK(refusal(with({"file", "sha256"}, "ab")).starts_with("file.sha256 "));
  CHECK(refusal(with({"file", "size"}, -1)).starts_with("file.size "));
  CHECK(refusal(with({"file", "size"}, 1.5)).starts_with("file.size "));
  CHECK(refusal(with({"file", "mode"}, "0999")).starts_with("file.mode "));
  CHECK(refusal(with({"process", "pid"}, 5'000'000'000)).starts_with("process.pid "));
  CHECK(refusal(with({"container", "id"}, json::array{1})).starts_with("container.id "));
  CHECK(refusal(std::string(100'000, '[')).find("JSON") != std::string::npos);
  CHECK(refusal(std::string(kMaxRecord + 1, ' ')).find("longer") != std::string::npos);
}
