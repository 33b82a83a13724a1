// ELF files as they are: the machine's own, ones that its compilers make, and ones that lie.

#include "holdfast/kernel/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "holdfast/base/unique_fd.h"

using namespace holdfast;
using kernel::ElfRole;

namespace {

kernel::ElfLook look(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE_MESSAGE(file.valid(), path);
  const auto found = kernel::look_at_elf(file.get());
  REQUIRE(found.ok());
  return *found;
}

kernel::ElfLook look_at_bytes(const void* bytes, std::size_t size) {
  const UniqueFd file(::memfd_create("elf-test", MFD_CLOEXEC));
  REQUIRE(::write(file.get(), bytes, size) == static_cast<ssize_t>(size));
  const auto found = kernel::look_at_elf(file.get());
  REQUIRE(found.ok());
  return *found;
}

/// The machine's own loader: what this very program asks for, by every name that the usual ones have.
std::vector<std::string> loaders() {
  std::vector<std::string> found;
  for (const char* path : {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1",
                           "/lib/ld-musl-aarch64.so.1", "/lib/ld-linux.so.2"}) {
    if (std::filesystem::exists(path)) found.emplace_back(path);
  }
  return found;
}

/// Compiles an empty program or library; empty if there is no compiler.
std::string compiled(const std::string& name, const std::string& flags) {
  static const std::string directory = [] {
    std::string made = "/tmp/holdfast-elf.XXXXXX";
    return std::string(::mkdtemp(made.data()));
  }();
  const std::string source = directory + "/empty.c";
  std::ofstream(source) << "int main(void) { return 0; }\n";
  const std::string out = directory + "/" + name;
  const std::string command = "cc -o " + out + " " + flags + " " + source + " 2>/dev/null";
  return std::system(command.c_str()) == 0 ? out : std::string();
}

/// The smallest shared object: one segment over all, and a dynamic table.
struct Tiny {
  Elf64_Ehdr header{};
  Elf64_Phdr segments[3]{};
  Elf64_Dyn dynamic[2]{};

  Tiny() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_phoff = offsetof(Tiny, segments);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    segments[0] = {PT_LOAD, PF_R, 0, 0, 0, sizeof(Tiny), sizeof(Tiny), 4096};
    segments[1] = {PT_DYNAMIC, PF_R,           offsetof(Tiny, dynamic), offsetof(Tiny, dynamic),
                   0,          sizeof dynamic, sizeof dynamic,          8};
    dynamic[0].d_tag = DT_FLAGS_1;
    dynamic[0].d_un.d_val = DF_1_PIE;
  }
  [[nodiscard]] kernel::ElfLook look() const { return look_at_bytes(this, sizeof *this); }
};

}  // namespace

TEST_CASE("the machine's loader is one, and nothing else that it ships is") {
  const auto found = loaders();
  if (found.empty()) MESSAGE("SKIPPED: no loader of a known name here");
  for (const auto& path : found) {
    CAPTURE(path);
    CHECK(look(path).role == ElfRole::loader);
    CHECK(look(path).shared_object);
  }
  CHECK(look("/proc/self/exe").role != ElfRole::loader);
}

TEST_CASE("libc is a library even though it can be executed") {
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6"}) {
    if (!std::filesystem::exists(path)) continue;
    CHECK(look(path).role == ElfRole::program_dynamic);
    CHECK(look(path).shared_object);
  }
}

TEST_CASE("what a compiler makes is told apart") {
  const auto check = [](const char* name, const char* flags, ElfRole role, bool shared_object) {
    const std::string path = compiled(name, flags);
    CAPTURE(name);
    if (path.empty()) {
      MESSAGE("SKIPPED: cannot compile " << name);
      return;
    }
    const auto found = look(path);
    CHECK(found.role == role);
    CHECK(found.shared_object == shared_object);
  };
  check("static", "-static", ElfRole::program_static, false);
  check("static-pie", "-static-pie", ElfRole::program_static, false);
  check("no-pie", "-no-pie", ElfRole::program_dynamic, false);
  check("pie", "-fPIE -pie", ElfRole::program_dynamic, false);
  check("library", "-fPIC -shared", ElfRole::loader, true);  // as a program it would be one: it has no interpreter
  check("named", "-fPIC -shared -Wl,-soname,libnamed.so.1", ElfRole::loader, true);
  check("both", "-fPIE -pie -Wl,-soname,libboth.so.1", ElfRole::program_dynamic, true);
  check("program-32", "-m32 -nostdlib -nostartfiles -static -Wl,-e,main", ElfRole::program_static, false);
}

TEST_CASE("scripts, data and cut-off files are no programs") {
  CHECK(look_at_bytes("#!/bin/sh\n", 10).role == ElfRole::other);
  CHECK(look_at_bytes("", 0).role == ElfRole::other);
  CHECK(look_at_bytes("\x7f"
                      "ELF",
                      4)
            .role == ElfRole::other);
  const Tiny tiny;
  CHECK(look_at_bytes(&tiny, sizeof tiny.header).role == ElfRole::other);
  CHECK(look_at_bytes(&tiny, sizeof tiny.header).shared_object);  // not understood: no promise that nobody can map it
}

TEST_CASE("only a table that a loader would read the same proves a program") {
  CHECK_FALSE(Tiny().look().shared_object);
  Tiny tiny;
  SUBCASE("a table elsewhere in memory than in the file") {
    tiny.segments[1].p_vaddr += 8;
    CHECK(tiny.look().shared_object);
  }
  SUBCASE("a second mapping over it") {
    tiny.segments[2] = {PT_LOAD, PF_R, 0, 64, 0, 64, 64, 4096};
    tiny.header.e_phnum = 3;
    CHECK(tiny.look().shared_object);
  }
  SUBCASE("a second table") {
    tiny.segments[2] = tiny.segments[1];
    tiny.header.e_phnum = 3;
    CHECK(tiny.look().shared_object);
  }
  SUBCASE("a table without end") {
    tiny.segments[1].p_filesz = ~0ULL;
    CHECK(tiny.look().shared_object);
  }
  SUBCASE("headers beyond the end of the file") {
    tiny.header.e_phoff = ~0ULL - 10;
    CHECK(tiny.look().shared_object);
  }
  SUBCASE("more headers than the kernel takes") {
    tiny.header.e_phnum = 0xffff;
    CHECK(tiny.look().shared_object);
    CHECK(tiny.look().role == ElfRole::other);
  }
}

TEST_CASE("a file of the other byte order is none of this machine's") {
  Tiny tiny;
  tiny.header.e_ident[EI_DATA] = ELFDATA2MSB;
  CHECK(tiny.look().role == ElfRole::other);
}
