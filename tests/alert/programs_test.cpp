#include "holdfast/alert/programs.h"

#include <doctest/doctest.h>

using namespace holdfast::alert;

TEST_CASE("a process is called by its program's name") {
  CHECK(program_name("/usr/bin/curl", {"anything"}) == "curl");
  CHECK(program_name("/tmp/x (deleted)", {}) == "x");
  CHECK(program_name("", {"curl"}).empty());
  CHECK(program_name("/usr/bin/python3.11", {"python3", "/srv/app.py"}) == "python3.11");
}

TEST_CASE("one of many programs in one file is called as it was asked for") {
  CHECK(program_name("/bin/busybox", {"/bin/cp", "a", "b"}) == "cp");
  CHECK(program_name("/bin/busybox", {"busybox", "wget", "x"}) == "wget");
  CHECK(program_name("/bin/busybox", {"-sh"}) == "sh");
  CHECK(program_name("/bin/busybox", {}) == "busybox");
  CHECK(program_name("/bin/busybox", {"busybox"}) == "busybox");
}

TEST_CASE("a package manager that an interpreter runs is known by its module or script") {
  CHECK(program_name("/usr/bin/python3.11", {"python3", "-m", "pip", "install", "x"}) == "pip");
  CHECK(program_name("/usr/bin/python3.11", {"/usr/bin/python3", "-I", "-W", "ignore", "/usr/bin/pip3.11"}) == "pip");
  CHECK(program_name("/usr/bin/node", {"node", "/usr/lib/node_modules/npm/bin/npm-cli.js", "ci"}) == "npm");
  CHECK(program_name("/usr/bin/node", {"node", "--no-warnings", "/usr/bin/yarn"}) == "yarn");
  CHECK(program_name("/usr/bin/ruby3.1", {"ruby3.1", "/usr/bin/gem3.1", "install"}) == "gem");
  CHECK(program_name("/usr/bin/php8.2", {"php", "/usr/local/bin/composer"}) == "composer");
  CHECK(program_name("/usr/bin/python3", {"python3", "-c", "pip"}) == "python3");
  CHECK(program_name("/usr/bin/python3", {"python3", "-m"}) == "python3");
  CHECK(program_name("/usr/bin/python3", {"python3", "install.py", "pip"}) == "python3");
}

TEST_CASE("package managers are known by name, whatever version they carry in it") {
  CHECK(package_manager("apt-get") == "apt");
  CHECK(package_manager("pip3.11") == "pip");
  CHECK(package_manager("dnf-3") == "dnf");
  CHECK(package_manager("dpkg") == "dpkg");
  for (const char* name : {"apk", "aptitude", "yum", "microdnf", "rpm", "zypper", "pacman", "npm", "yarn", "pnpm",
                           "gem", "bundle", "cargo", "go", "conda", "composer"}) {
    CHECK_MESSAGE(package_manager(name) == name, name);
  }
  for (const char* name : {"", "curl", "apt-getter", "xpip", "3.11", "-"}) {
    CHECK_MESSAGE(package_manager(name).empty(), name);
  }
}

TEST_CASE("what programs do to files is told by name, and otherwise only that they wrote them") {
  CHECK(verb_of("curl") == "downloaded");
  CHECK(verb_of("x86_64-linux-gnu-gcc-12") == "compiled");
  CHECK(verb_of("x86_64-linux-gnu-ld.bfd") == "compiled");
  CHECK(verb_of("tar") == "unpacked");
  CHECK(verb_of("cp") == "copied");
  CHECK(verb_of("sh") == "copied");
  CHECK(verb_of("apt-get") == "installed");
  for (const char* name : {"", "nginx", "curly", "-linux-", "x-linux-gnu-"})
    CHECK_MESSAGE(verb_of(name) == "written", name);
}
