#include "holdfast/kernel/elf.h"

#include <elf.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace holdfast::kernel {
namespace {

/// The kernel's own limit: it refuses program headers of more bytes.
constexpr std::size_t kMostHeaderBytes = 65536;
/// Shared objects have thirty or so; whoever has more is not looked at further.
constexpr std::size_t kMostDynamicEntries = 1024;
constexpr std::size_t kBatch = 64;
constexpr unsigned char kOurOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

struct Elf32 {
  using Header = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Dynamic = Elf32_Dyn;
};
struct Elf64 {
  using Header = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Dynamic = Elf64_Dyn;
};

/// How many whole bytes are there; fewer than `size` at the file's end.
Result<std::size_t> read_at(int file, void* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const std::uint64_t at = offset + done;
    // No file is that long; pread(2) refuses to look (EINVAL).
    if (at < offset || at > static_cast<std::uint64_t>(INT64_MAX) - (size - done)) break;
    const ssize_t got = ::pread(file, static_cast<std::byte*>(to) + done, size - done, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read an ELF header");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// Calls `visit` with each record of a table in the file until it returns false. False if the table is cut off.
template <class Record, class Visit>
Result<bool> each_record(int file, std::uint64_t offset, std::size_t count, Visit visit) {
  std::array<Record, kBatch> batch;
  for (std::size_t first = 0; first < count; first += kBatch) {
    const std::size_t wanted = std::min(kBatch, count - first);
    const auto got = read_at(file, batch.data(), wanted * sizeof(Record), offset + first * sizeof(Record));
    if (!got) return got.error();
    const std::size_t whole = *got / sizeof(Record);
    for (std::size_t i = 0; i < whole; ++i) {
      if (!visit(batch[i])) return true;
    }
    if (whole < wanted) return false;
  }
  return true;
}

template <class Elf>
class Looker {
 public:
  explicit Looker(int file) : file_(file) {}

  Result<ElfLook> run() {
    const auto got = read_at(file_, &header_, sizeof header_, 0);
    if (!got) return got.error();
    if (*got < sizeof header_ || (header_.e_type != ET_EXEC && header_.e_type != ET_DYN)) return ElfLook{};
    const bool may_be_mapped = header_.e_type == ET_DYN;
    const ElfLook not_understood{ElfRole::other, may_be_mapped};
    if (header_.e_phentsize != sizeof(Segment) || header_.e_phnum * sizeof(Segment) > kMostHeaderBytes) {
      return not_understood;
    }
    const auto whole = read_segments();
    if (!whole) return whole.error();
    if (!*whole) return not_understood;
    bool proven = false;
    if (dynamic_) {
      if (const auto read = read_dynamic(); !read) return read.error();
      const auto mapped = is_mapped_as_read();
      if (!mapped) return mapped.error();
      proven = *mapped && says_program_;
    }
    return ElfLook{role(), may_be_mapped && (!proven || has_name_)};
  }

 private:
  using Segment = typename Elf::Segment;
  using Dynamic = typename Elf::Dynamic;

  Result<bool> read_segments() {
    return each_record<Segment>(file_, header_.e_phoff, header_.e_phnum, [this](const Segment& segment) {
      interpreted_ = interpreted_ || segment.p_type == PT_INTERP;
      if (segment.p_type == PT_DYNAMIC) {
        several_dynamic_ = dynamic_.has_value();
        dynamic_ = segment;
      }
      return true;
    });
  }

  Result<bool> read_dynamic() {
    const std::size_t count = std::min<std::size_t>(kMostDynamicEntries, dynamic_->p_filesz / sizeof(Dynamic));
    return each_record<Dynamic>(file_, dynamic_->p_offset, count, [this](const Dynamic& entry) {
      if (entry.d_tag == DT_FLAGS_1) says_program_ = (entry.d_un.d_val & DF_1_PIE) != 0;
      has_name_ = has_name_ || entry.d_tag == DT_SONAME;
      return entry.d_tag != DT_NULL;
    });
  }

  /// A loader finds the table in memory, we in the file. Only where one mapping alone leads from one to the other do
  /// both read the same.
  Result<bool> is_mapped_as_read() {
    if (several_dynamic_) return false;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::uint64_t begin = dynamic_->p_vaddr;
    const std::uint64_t end = begin + dynamic_->p_filesz;
    unsigned mappings = 0;
    bool same = false;
    const auto whole = each_record<Segment>(file_, header_.e_phoff, header_.e_phnum, [&](const Segment& segment) {
      const std::uint64_t from = segment.p_vaddr / page * page;
      const std::uint64_t to = (segment.p_vaddr + segment.p_memsz + page - 1) / page * page;
      if (segment.p_type != PT_LOAD || to <= begin || from >= end) return true;
      ++mappings;
      same = segment.p_vaddr <= begin && end <= segment.p_vaddr + segment.p_filesz &&
             begin - segment.p_vaddr + segment.p_offset == dynamic_->p_offset;
      return true;
    });
    if (!whole) return whole.error();
    return *whole && begin < end && mappings == 1 && same;
  }

  [[nodiscard]] ElfRole role() const {
    if (interpreted_) return ElfRole::program_dynamic;
    return header_.e_type == ET_DYN && dynamic_ && !says_program_ ? ElfRole::loader : ElfRole::program_static;
  }

  const int file_;
  typename Elf::Header header_{};
  std::optional<Segment> dynamic_;
  bool interpreted_ = false, several_dynamic_ = false, says_program_ = false, has_name_ = false;
};

template <class Elf>
Result<std::optional<std::string>> interpreter_of(int file) {
  using Segment = typename Elf::Segment;
  typename Elf::Header header{};
  const auto got = read_at(file, &header, sizeof header, 0);
  if (!got) return got.error();
  std::optional<std::string> interpreter;
  if (*got < sizeof header || header.e_phentsize != sizeof(Segment) ||
      header.e_phnum * sizeof(Segment) > kMostHeaderBytes) {
    return interpreter;
  }
  const auto whole = each_record<Segment>(file, header.e_phoff, header.e_phnum, [&](const Segment& segment) {
    if (segment.p_type != PT_INTERP) return true;
    std::string path(std::min<std::size_t>(segment.p_filesz, PATH_MAX), '\0');
    const auto read = read_at(file, path.data(), path.size(), segment.p_offset);
    path.resize(read ? *read : 0);
    interpreter = path.substr(0, path.find('\0'));
    return false;  // the kernel takes the first
  });
  if (!whole) return whole.error();
  return interpreter;
}

/// The class of an ELF file of our byte order; ELFCLASSNONE for anything else.
Result<unsigned char> class_of(int file) {
  std::array<unsigned char, EI_NIDENT> ident{};
  const auto got = read_at(file, ident.data(), ident.size(), 0);
  if (!got) return got.error();
  const bool ours =
      *got == ident.size() && std::memcmp(ident.data(), ELFMAG, SELFMAG) == 0 && ident[EI_DATA] == kOurOrder;
  return ours ? ident[EI_CLASS] : static_cast<unsigned char>(ELFCLASSNONE);
}

}  // namespace

Result<ElfLook> look_at_elf(int file) {
  const auto elf_class = class_of(file);
  if (!elf_class) return elf_class.error();
  if (*elf_class == ELFCLASS64) return Looker<Elf64>(file).run();
  if (*elf_class == ELFCLASS32) return Looker<Elf32>(file).run();
  return ElfLook{};
}

Result<std::optional<std::string>> elf_interpreter(int file) {
  const auto elf_class = class_of(file);
  if (!elf_class) return elf_class.error();
  if (*elf_class == ELFCLASS64) return interpreter_of<Elf64>(file);
  if (*elf_class == ELFCLASS32) return interpreter_of<Elf32>(file);
  return std::optional<std::string>();
}

bool begins_as_elf(int file) {
  std::array<char, SELFMAG> magic{};
  const auto got = read_at(file, magic.data(), magic.size(), 0);
  return !got || (*got == magic.size() && std::memcmp(magic.data(), ELFMAG, SELFMAG) == 0);
}

}  // namespace holdfast::kernel
