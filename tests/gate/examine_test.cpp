#include "holdfast/gate/examine.h"

#include <sys/mman.h>
#include <sys/time.h>

#include <algorithm>

#include <doctest/doctest.h>

#include "holdfast/gate/is_loader.h"

#include "overlay_fixture.h"

using namespace holdfast;
using verdict::Comparison;

namespace {

constexpr auto kPatience = std::chrono::seconds(5);
const std::string kTool = "#!/bin/sh\necho tool\n";
const std::string kOther = "#!/bin/sh\necho other, longer\n";
const std::string kData = "#!/bin/sh\necho data\n#";

/// A container whose image ships /bin/tool, /bin/other and the data file /opt/data.
struct Box {
  test::Overlay overlay;
  std::shared_ptr<test::DirectoryBaseline> image;
  std::unique_ptr<container::Container> container;

  Box() {
    overlay.ship("/bin/tool", kTool, 0755);
    overlay.ship("/bin/other", kOther, 0755);
    overlay.ship("/opt/data", kData, 0644);
    overlay.mount();
    image = std::make_shared<test::DirectoryBaseline>(overlay.lower());
    container = std::make_unique<container::Container>(overlay.device(), container::RootKey{},
                                                       container::RootKind::overlay, image, overlay.upper(), "/");
  }
  [[nodiscard]] std::string path(const std::string& inside) const { return overlay.root() + inside; }
  [[nodiscard]] gate::Examination examine_library(const std::string& inside) const {
    const UniqueFd file(::open(path(inside).c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(file.valid());
    return gate::examine(*container, file.get(), ::getpid(), {false, false, Steady::now() + kPatience, true});
  }
  [[nodiscard]] gate::Examination examine(const std::string& inside, bool want_hash = false) const {
    const UniqueFd file(::open(path(inside).c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(file.valid());
    return gate::examine(*container, file.get(), ::getpid(), {want_hash, true, Steady::now() + kPatience});
  }
};

}  // namespace

TEST_CASE("an untouched image file is image code, by identity or by the view") {
  const Box box;
  CHECK(box.examine("/bin/tool").facts.comparison == Comparison::image_identity);
  CHECK(box.examine("/bin/tool").facts.path == "/bin/tool");
  box.image->know_identities = false;
  CHECK(box.examine("/bin/tool").facts.comparison == Comparison::image_identity);
}

TEST_CASE("a touched image file is compared by content and holds a lease") {
  const Box box;
  REQUIRE(::chmod(box.path("/bin/tool").c_str(), 0711) == 0);
  const auto exam = box.examine("/bin/tool");
  CHECK(exam.facts.comparison == Comparison::same_as_image_path);
  CHECK(exam.facts.image_path_executable);
  REQUIRE(exam.upper_lease.has_value());
  CHECK(exam.upper_lease->held());
}

TEST_CASE("a change that keeps size and mtime is still a change") {
  const Box box;
  struct stat before {};
  REQUIRE(::stat(box.path("/bin/tool").c_str(), &before) == 0);
  std::string changed = kTool;
  changed[changed.size() - 2] = 'X';
  test::Overlay::write(box.path("/bin/tool"), changed, 0755);
  const timespec times[2] = {before.st_atim, before.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, box.path("/bin/tool").c_str(), times, 0) == 0);
  CHECK(box.examine("/bin/tool").facts.comparison == Comparison::differs_from_path);
}

TEST_CASE("a new file of a size that no image file has is judged without being read") {
  const Box box;
  test::Overlay::write(box.path("/bin/new"), "a size of its own", 0755);
  const auto exam = box.examine("/bin/new");
  CHECK(exam.facts.comparison == Comparison::unknown_to_image);
  CHECK_FALSE(exam.facts.sha256.has_value());
  CHECK(box.examine("/bin/new", true).facts.sha256.has_value());
}

TEST_CASE("a copy of an image executable is relocated, a copy of its data is new") {
  const Box box;
  test::Overlay::write(box.path("/opt/copy"), kTool, 0755);
  CHECK(box.examine("/opt/copy").facts.comparison == Comparison::same_as_other_file);
  test::Overlay::write(box.path("/opt/data2"), kData, 0755);
  CHECK(box.examine("/opt/data2").facts.comparison == Comparison::unknown_to_image);
}

TEST_CASE("an image data file made executable is recognised as such") {
  const Box box;
  REQUIRE(::chmod(box.path("/opt/data").c_str(), 0755) == 0);
  const auto facts = box.examine("/opt/data").facts;
  CHECK(facts.comparison == Comparison::same_as_image_path);
  CHECK_FALSE(facts.image_path_executable);
}

TEST_CASE("a file with a writer is never proven, whatever its content") {
  const Box box;
  SUBCASE("an open descriptor") {
    const UniqueFd writer(::open(box.path("/bin/tool").c_str(), O_RDWR | O_CLOEXEC));
    CHECK(box.examine("/bin/tool").facts.comparison == Comparison::writer_present);
  }
  SUBCASE("a shared mapping whose descriptor is closed (kernel fact 19)") {
    UniqueFd writer(::open(box.path("/bin/tool").c_str(), O_RDWR | O_CLOEXEC));
    void* mapping = ::mmap(nullptr, kTool.size(), PROT_READ | PROT_WRITE, MAP_SHARED, writer.get(), 0);
    REQUIRE(mapping != MAP_FAILED);
    writer.reset();
    CHECK(box.examine("/bin/tool").facts.comparison == Comparison::writer_present);
    ::munmap(mapping, kTool.size());
    CHECK(box.examine("/bin/tool").facts.comparison == Comparison::same_as_image_path);
  }
}

TEST_CASE("an unlinked file has no trusted name") {
  const Box box;
  test::Overlay::write(box.path("/bin/gone"), "gone", 0755);
  const UniqueFd file(::open(box.path("/bin/gone").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::unlink(box.path("/bin/gone").c_str()) == 0);
  const auto exam = gate::examine(*box.container, file.get(), ::getpid(), {false, true, Steady::now() + kPatience});
  CHECK(exam.facts.path.empty());
  CHECK(exam.shown_path.ends_with("/bin/gone (deleted)"));
  CHECK(exam.facts.comparison == Comparison::unknown_to_image);
}

TEST_CASE(
    "a copy of an image's program that was unlinked before somebody looked is told by its content, if nobody waits") {
  const Box box;
  test::Overlay::write(box.path("/bin/gone"), kTool, 0755);
  const UniqueFd file(::open(box.path("/bin/gone").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::unlink(box.path("/bin/gone").c_str()) == 0);
  const auto look = [&](bool hold) {
    const auto exam = gate::examine(*box.container, file.get(), ::getpid(), {false, hold, Steady::now() + kPatience});
    return exam.facts.comparison;
  };
  CHECK(look(true) == Comparison::writer_present);
  CHECK(look(false) == Comparison::same_as_other_file);
}

TEST_CASE("a bind mount does not lend its path to a file") {
  const Box box;
  test::Overlay::write(box.path("/bin/evil"), "evil", 0755);
  const std::string over = box.path("/bin/tool");
  REQUIRE(::mount(box.path("/bin/evil").c_str(), over.c_str(), nullptr, MS_BIND, nullptr) == 0);
  const auto exam = box.examine("/bin/tool");
  ::umount2(over.c_str(), MNT_DETACH);
  CHECK(exam.facts.path == "/bin/evil");
  CHECK(exam.facts.comparison == Comparison::unknown_to_image);
}

TEST_CASE("a library is the image's by its path and content, whatever its x bits") {
  const Box box;
  CHECK_FALSE(verdict::classify(box.examine_library("/opt/data").facts));
  REQUIRE(::chmod(box.path("/opt/data").c_str(), 0600) == 0);
  CHECK_FALSE(verdict::classify(box.examine_library("/opt/data").facts));
  test::Overlay::write(box.path("/opt/data"), kData + "changed", 0644);
  CHECK(verdict::classify(box.examine_library("/opt/data").facts) == policy::Reason::library);
  test::Overlay::write(box.path("/opt/copy"), kTool, 0755);
  CHECK(verdict::classify(box.examine_library("/opt/copy").facts) == policy::Reason::library);
}

TEST_CASE("what the kernel makes of a file is found with its facts, and a loader is named") {
  const Box box;
  REQUIRE(box.examine("/bin/tool").elf.has_value());
  CHECK(box.examine("/bin/tool").elf->role == kernel::ElfRole::other);
  for (const char* loader : {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"}) {
    if (!std::filesystem::exists(loader)) continue;
    std::filesystem::copy_file(loader, box.path("/opt/any-name"));
    const auto exam = box.examine("/opt/any-name");
    CHECK(exam.elf->role == kernel::ElfRole::loader);
    CHECK(std::any_of(exam.steps.begin(), exam.steps.end(),
                      [](const auto& step) { return step.find("loader") != std::string::npos; }));
  }
}

TEST_CASE("a process that runs a program of the image's runs no loader") {
  const Box box;
  const UniqueFd proc(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat st {};
  REQUIRE(::stat("/proc/self/exe", &st) == 0);
  CHECK_FALSE(gate::is_loader(*box.image, identity_of(st), proc.get()));
  CHECK_FALSE(gate::is_loader(*box.image, {}, -1));
}
