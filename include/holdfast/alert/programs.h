#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::alert {

// What a process is called by people. Pure; raw bytes in and out, since both come from the process itself.

/// "curl" for /usr/bin/curl; the applet for busybox and its like ("cp", by how it was called); the module or script for
/// an interpreter that runs a package manager ("pip" for `python3 -m pip`). Empty if `exe` is.
[[nodiscard]] std::string program_name(std::string_view exe, const std::vector<std::string>& cmdline);

/// What that name is as a package manager: "apt" for apt-get, "pip" for pip3.11; "" if it is none.
[[nodiscard]] std::string_view package_manager(std::string_view name);

/// What a program of that name does to a file that it writes: "downloaded", "unpacked", "compiled", "copied",
/// "installed"; "written" if nothing better is known.
[[nodiscard]] std::string_view verb_of(std::string_view name);

}  // namespace holdfast::alert
