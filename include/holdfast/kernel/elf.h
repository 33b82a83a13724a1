#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "holdfast/base/result.h"

namespace holdfast::kernel {

/// What the kernel makes of a file that is executed.
enum class ElfRole : std::uint8_t {
  other,            ///< no ELF program of this machine's byte order: a script, data
  program_static,   ///< runs by itself, static-pie included
  program_dynamic,  ///< has PT_INTERP: the kernel executes that interpreter too, right after it (kernel fact 6)
  loader,           ///< an ELF interpreter, which also runs any program that it is given by name (kernel fact 5)
};

struct ElfLook {
  ElfRole role = ElfRole::other;
  /// A dynamic loader would map it into a process: any ET_DYN that does not prove to be a program (DF_1_PIE, which
  /// dlopen(3) refuses), and whatever cannot be understood. glibc's libc.so.6 is both this and a program.
  bool shared_object = false;
};

/// Looks at an ELF file's headers, with pread(2) only and a bounded number of bytes, whatever the file says. A loader
/// is told from a static-pie program by DF_1_PIE, which linkers set in programs only. An error if the file cannot be
/// read. Reads: never for a file whose reading may block the calling thread.
[[nodiscard]] Result<ElfLook> look_at_elf(int file);

/// The interpreter that the file asks the kernel for (PT_INTERP): written by the file's maker, hostile. Nothing if it
/// asks for none, or is no ELF file of ours.
[[nodiscard]] Result<std::optional<std::string>> elf_interpreter(int file);

/// Whether the file begins as ELF files do; true as well if it cannot be read. Reads four bytes.
[[nodiscard]] bool begins_as_elf(int file);

}  // namespace holdfast::kernel
