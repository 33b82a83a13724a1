#include "holdfast/alert/programs.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace holdfast::alert {
namespace {

using namespace std::string_view_literals;
using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array kManagers = {
    Pair{"apk"sv, "apk"sv},           Pair{"apt"sv, "apt"sv},        Pair{"apt-get"sv, "apt"sv},
    Pair{"aptitude"sv, "aptitude"sv}, Pair{"bun"sv, "bun"sv},        Pair{"bundle"sv, "bundle"sv},
    Pair{"bundler"sv, "bundle"sv},    Pair{"cargo"sv, "cargo"sv},    Pair{"composer"sv, "composer"sv},
    Pair{"conda"sv, "conda"sv},       Pair{"cpan"sv, "cpan"sv},      Pair{"cpanm"sv, "cpanm"sv},
    Pair{"dnf"sv, "dnf"sv},           Pair{"dnf5"sv, "dnf"sv},       Pair{"dpkg"sv, "dpkg"sv},
    Pair{"dpkg-deb"sv, "dpkg"sv},     Pair{"gem"sv, "gem"sv},        Pair{"go"sv, "go"sv},
    Pair{"luarocks"sv, "luarocks"sv}, Pair{"mamba"sv, "mamba"sv},    Pair{"microdnf"sv, "microdnf"sv},
    Pair{"micromamba"sv, "mamba"sv},  Pair{"npm"sv, "npm"sv},        Pair{"npm-cli.js"sv, "npm"sv},
    Pair{"npx"sv, "npm"sv},           Pair{"npx-cli.js"sv, "npm"sv}, Pair{"opkg"sv, "opkg"sv},
    Pair{"pacman"sv, "pacman"sv},     Pair{"pip"sv, "pip"sv},        Pair{"pip3"sv, "pip"sv},
    Pair{"pipenv"sv, "pipenv"sv},     Pair{"pipx"sv, "pipx"sv},      Pair{"pnpm"sv, "pnpm"sv},
    Pair{"pnpm.cjs"sv, "pnpm"sv},     Pair{"poetry"sv, "poetry"sv},  Pair{"rpm"sv, "rpm"sv},
    Pair{"tdnf"sv, "tdnf"sv},         Pair{"uv"sv, "uv"sv},          Pair{"yarn"sv, "yarn"sv},
    Pair{"yarn.js"sv, "yarn"sv},      Pair{"yarnpkg"sv, "yarn"sv},   Pair{"yum"sv, "yum"sv},
    Pair{"zypper"sv, "zypper"sv},
};

constexpr std::array kVerbs = {
    Pair{"7z"sv, "unpacked"sv},      Pair{"7za"sv, "unpacked"sv},        Pair{"7zz"sv, "unpacked"sv},
    Pair{"ar"sv, "unpacked"sv},      Pair{"aria2c"sv, "downloaded"sv},   Pair{"ash"sv, "copied"sv},
    Pair{"as"sv, "compiled"sv},      Pair{"bash"sv, "copied"sv},         Pair{"bsdtar"sv, "unpacked"sv},
    Pair{"bunzip2"sv, "unpacked"sv}, Pair{"bzip2"sv, "unpacked"sv},      Pair{"c++"sv, "compiled"sv},
    Pair{"cat"sv, "copied"sv},       Pair{"cc"sv, "compiled"sv},         Pair{"clang"sv, "compiled"sv},
    Pair{"clang++"sv, "compiled"sv}, Pair{"collect2"sv, "compiled"sv},   Pair{"cp"sv, "copied"sv},
    Pair{"cpio"sv, "unpacked"sv},    Pair{"curl"sv, "downloaded"sv},     Pair{"dash"sv, "copied"sv},
    Pair{"dd"sv, "copied"sv},        Pair{"fetch"sv, "downloaded"sv},    Pair{"ftp"sv, "downloaded"sv},
    Pair{"g++"sv, "compiled"sv},     Pair{"gcc"sv, "compiled"sv},        Pair{"git"sv, "downloaded"sv},
    Pair{"gold"sv, "compiled"sv},    Pair{"gunzip"sv, "unpacked"sv},     Pair{"gzip"sv, "unpacked"sv},
    Pair{"install"sv, "copied"sv},   Pair{"ksh"sv, "copied"sv},          Pair{"ld"sv, "compiled"sv},
    Pair{"ld.bfd"sv, "compiled"sv},  Pair{"ld.gold"sv, "compiled"sv},    Pair{"ld.lld"sv, "compiled"sv},
    Pair{"link"sv, "compiled"sv},    Pair{"lld"sv, "compiled"sv},        Pair{"mold"sv, "compiled"sv},
    Pair{"mv"sv, "copied"sv},        Pair{"nc"sv, "downloaded"sv},       Pair{"ncat"sv, "downloaded"sv},
    Pair{"rsync"sv, "copied"sv},     Pair{"rustc"sv, "compiled"sv},      Pair{"scp"sv, "downloaded"sv},
    Pair{"sftp"sv, "downloaded"sv},  Pair{"sh"sv, "copied"sv},           Pair{"socat"sv, "downloaded"sv},
    Pair{"tar"sv, "unpacked"sv},     Pair{"tcc"sv, "compiled"sv},        Pair{"tee"sv, "copied"sv},
    Pair{"tftp"sv, "downloaded"sv},  Pair{"unsquashfs"sv, "unpacked"sv}, Pair{"unxz"sv, "unpacked"sv},
    Pair{"unzip"sv, "unpacked"sv},   Pair{"unzstd"sv, "unpacked"sv},     Pair{"wget"sv, "downloaded"sv},
    Pair{"wget2"sv, "downloaded"sv}, Pair{"xz"sv, "unpacked"sv},         Pair{"zsh"sv, "copied"sv},
    Pair{"zstd"sv, "unpacked"sv},
};

constexpr std::array kInterpreters = {"bash"sv, "bun"sv,    "dash"sv, "node"sv, "nodejs"sv, "perl"sv,
                                      "php"sv,  "python"sv, "ruby"sv, "sh"sv,   "pypy"sv};
constexpr std::array kManyInOne = {"busybox"sv, "busybox.static"sv, "coreutils"sv, "toybox"sv};
/// Options of interpreters that take the next argument for themselves.
constexpr std::array kWithArgument = {"-W"sv, "-X"sv, "-r"sv, "--require"sv};

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }  // npos + 1 is 0

/// "python" for python3.11, "php" for php8.2.
std::string_view without_version(std::string_view name) {
  const auto end = name.find_last_not_of("0123456789.-");
  return end == std::string_view::npos ? name : name.substr(0, end + 1);
}

/// "gcc" for x86_64-linux-gnu-gcc-12, "ld" for aarch64-linux-gnu-ld.
std::string_view without_target(std::string_view name) {
  const auto target = name.find("-linux-");
  if (target == std::string_view::npos) return name;
  const auto abi_end = name.find('-', target + std::string_view("-linux-").size());
  return abi_end == std::string_view::npos ? name : name.substr(abi_end + 1);
}

template <std::size_t N>
std::string_view look_up(const std::array<Pair, N>& table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Pair& pair) { return pair.first == name; });
  return found == table.end() ? std::string_view() : found->second;
}

/// What an interpreter was asked to run: the module of -m, or the script; "" if neither is to be seen.
std::string_view script_of(const std::vector<std::string>& cmdline) {
  constexpr std::size_t kLooks = 16;
  for (std::size_t i = 1; i < std::min(cmdline.size(), kLooks); ++i) {
    const std::string_view argument = cmdline[i];
    if (argument == "-m") return i + 1 < cmdline.size() ? std::string_view(cmdline[i + 1]) : std::string_view();
    if (argument == "-c" || argument == "-e") return {};
    if (argument.starts_with('-')) {
      if (std::find(kWithArgument.begin(), kWithArgument.end(), argument) != kWithArgument.end()) ++i;
      continue;
    }
    return last_part(argument);
  }
  return {};
}

}  // namespace

std::string program_name(std::string_view exe, const std::vector<std::string>& cmdline) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (exe.ends_with(kDeleted)) exe.remove_suffix(kDeleted.size());
  const std::string_view name = last_part(exe);
  if (std::find(kManyInOne.begin(), kManyInOne.end(), name) != kManyInOne.end() && !cmdline.empty()) {
    const std::string_view called = last_part(cmdline[0]);
    const bool by_its_own_name = called.empty() || called == name;
    if (!by_its_own_name) return std::string(called.substr(called.starts_with('-') ? 1 : 0));  // a login shell
    return cmdline.size() > 1 && !cmdline[1].empty() ? cmdline[1] : std::string(name);
  }
  const auto interpreter = without_version(name);
  if (std::find(kInterpreters.begin(), kInterpreters.end(), interpreter) != kInterpreters.end()) {
    const std::string_view script = script_of(cmdline);
    if (const auto manager = package_manager(script); !manager.empty()) return std::string(manager);
  }
  return std::string(name);
}

std::string_view package_manager(std::string_view name) {
  if (const auto exact = look_up(kManagers, name); !exact.empty()) return exact;
  return look_up(kManagers, without_version(name));
}

std::string_view verb_of(std::string_view name) {
  if (!package_manager(name).empty()) return "installed";
  if (const auto exact = look_up(kVerbs, name); !exact.empty()) return exact;
  const auto verb = look_up(kVerbs, without_version(without_target(name)));
  return verb.empty() ? "written" : verb;
}

}  // namespace holdfast::alert
