#include "holdfast/gate/examine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/baseline/hash.h"
#include "holdfast/gate/file_place.h"

#include "leased_hash.h"

namespace holdfast::gate {
namespace {

using verdict::Comparison;

bool is_unlinked(int file) {
  struct stat st {};
  return ::fstat(file, &st) == 0 && st.st_nlink == 0;
}

/// One examination under way: what `examine` would otherwise pass from function to function.
class Examiner {
 public:
  Examiner(const container::Container& container, int file, pid_t pid, const ExamineOptions& options)
      : container_(container),
        baseline_(*container.baseline()),
        file_(file),
        want_hash_(options.want_hash),
        hold_(options.hold),
        library_(options.library),
        deadline_(options.deadline),
        place_(locate(file, pid, container)) {}

  Examination run() {
    out_.shown_path = place_.shown;
    out_.facts.path = place_.in_superblock.value_or("");
    const bool held = !hold_ || hold_file();
    struct stat st {};
    if (::fstat(file_, &st) != 0) {
      step("the file could not be looked at");
      return std::move(out_);
    }
    identity_ = identity_of(st);
    out_.facts.size = identity_.size;
    out_.facts.library = library_;
    look_at_headers();
    const auto prohibited = container_.prohibited();
    out_.facts.prohibited = prohibited && prohibited->contains(identity_);
    read_image_file();
    if (!held) {
      settle(Comparison::writer_present);
    } else if (is_image_bytes()) {
      settle(Comparison::image_identity);
      out_.facts.layer = verdict::Layer::image;
      remember_role();
      if (want_hash_ || out_.facts.prohibited) read_image_hash();
    } else {
      compare_content();
    }
    return std::move(out_);
  }

 private:
  void step(std::string text) { out_.steps.push_back(std::move(text)); }
  void settle(Comparison comparison) { out_.facts.comparison = comparison; }

  /// Nobody may open or truncate the file by its name from here until it is executed.
  bool hold_file() {
    UniqueFd copy(::fcntl(file_, F_DUPFD_CLOEXEC, 0));
    auto lease = kernel::ReadLease::take(copy);
    if (!lease) {
      note_writer(lease.error());
      return false;
    }
    out_.overlay_lease = std::move(*lease);
    return true;
  }

  void look_at_headers() {
    if (auto look = kernel::look_at_elf(file_)) out_.elf = *look;
    if (out_.elf && out_.elf->role == kernel::ElfRole::loader && !library_) {
      step("it is an ELF interpreter: executed itself, to load a program that it is told, it is a loader");
    }
  }

  /// Only of bytes that were the identity's before and after the look.
  void remember_role() const {
    struct stat st {};
    if (out_.elf && ::fstat(file_, &st) == 0 && identity_of(st) == identity_) {
      baseline_.remember_role(identity_, out_.elf->role);
    }
  }

  void note_writer(const Error& error) {
    step(fmt::format("a writer cannot be excluded: {}",
                     error.code == EAGAIN ? "somebody has the file open for writing, or mapped" : error.message));
  }

  void read_image_file() {
    if (!place_.in_superblock) {
      step("the file has no name in the container's root file system (unlinked, or on a mount that cannot be found)");
      return;
    }
    auto found = baseline_.at_path(*place_.in_superblock);
    if (!found) {
      step(fmt::format("the image could not be asked for {}: {}", printable(*place_.in_superblock),
                       found.error().message));
      return;
    }
    out_.image_file = std::move(*found);
    out_.facts.image_has_path = out_.image_file.has_value();
    out_.facts.image_path_executable = out_.image_file && out_.image_file->executable;
    step(out_.image_file ? fmt::format("the image ships {} ({} bytes, mode {:04o})", printable(*place_.in_superblock),
                                       out_.image_file->identity.size, out_.image_file->mode & 07777U)
                         : fmt::format("the image ships no file {}", printable(*place_.in_superblock)));
  }

  /// Kernel fact 16, with its limit: an identity that is not proven by its ctime, or not in the table yet, counts if
  /// the upper layer has no such file.
  bool is_image_bytes() {
    if (baseline_.is_image_code(identity_)) {
      step("inode, size, mtime and ctime are those of an executable of the image: these are the image's own bytes");
      return true;
    }
    if (!out_.image_file || out_.image_file->identity != identity_) return false;
    if (!out_.image_file->executable && !library_) return false;
    if (container_.kind() != container::RootKind::overlay) return false;
    const auto upper = open_upper(container_, *place_.in_superblock, file_);
    if (!upper || upper->has_value()) return false;
    step("same inode and times as the image's file, and the writable layer has no file there: the image's own bytes");
    return true;
  }

  void read_image_hash() {
    const auto file = out_.image_file && out_.image_file->identity == identity_ ? out_.image_file : std::nullopt;
    if (file) {
      note_hash(baseline_.hash(*file, deadline_));
    } else {
      note_hash(baseline::hash_file(file_, identity_.size, deadline_));
    }
  }

  bool note_hash(const Result<Sha256>& hash) {
    if (hash) {
      out_.facts.sha256 = *hash;
      return true;
    }
    out_.timed_out = out_.timed_out || hash.error().code == ETIMEDOUT;
    step(fmt::format("the file could not be read: {}", hash.error().message));
    return false;
  }

  void compare_content() {
    const bool path_size_fits = out_.image_file && out_.image_file->identity.size == identity_.size;
    const bool any_size_fits = !library_ && any_executable_has_size();
    settle(out_.image_file ? Comparison::differs_from_path : Comparison::unknown_to_image);
    if (!path_size_fits && !any_size_fits) {
      step(fmt::format("no file of the image has its size ({} bytes): it is new or changed, without reading a byte",
                       identity_.size));
      if (!want_hash_) return;
    }
    if (!hash_under_lease()) return;
    if (path_size_fits && equals_image_path()) return;
    if (any_size_fits) equals_other_file();
  }

  bool any_executable_has_size() {
    if (!baseline_.wait_walked(deadline_)) {
      out_.timed_out = true;
      step("the image's list of executables was not complete in time");
    }
    return baseline_.has_size(identity_.size);
  }

  /// Kernel facts 19 and 20: lease, hash, stat again and compare.
  bool hash_under_lease() {
    if (!take_lease()) {
      settle(Comparison::writer_present);
      return false;
    }
    const auto hash = hash_unwritten(file_, identity_, *out_.upper_lease, deadline_);
    if (!hash && hash.error().code == ESTALE) {
      step(hash.error().message);
      out_.upper_lease.reset();
      settle(Comparison::writer_present);
      return false;
    }
    if (!note_hash(hash)) return false;
    step(fmt::format("its SHA-256 is {}; no writer existed while it was read", to_hex(*out_.facts.sha256)));
    return true;
  }

  bool take_lease() {
    auto real = lease_target();
    if (!real) {
      note_writer(real.error());
      return false;
    }
    auto lease = kernel::ReadLease::take(*real);
    if (!lease) {
      note_writer(lease.error());
      return false;
    }
    out_.upper_lease = std::move(*lease);
    return true;
  }

  Result<UniqueFd> lease_target() {
    if (!place_.in_superblock) {
      if (hold_ || library_) return Error{ENOENT, "it has no name under which its real file could be found"};
      // Executed and unlinked before anybody looked. Nobody waits: like any file's in detect mode, its content is what
      // it is by now.
      return reopen(file_);
    }
    if (container_.kind() == container::RootKind::snapshot) return reopen(file_);
    auto upper = open_upper(container_, *place_.in_superblock, file_);
    if (!upper) return upper.error();
    if (*upper) return std::move(**upper);
    // A lower layer's file that is not an executable of the image: nobody in the container can write it.
    return reopen(file_);
  }

  bool equals_image_path() {
    const auto image_hash = baseline_.hash(*out_.image_file, deadline_);
    if (!image_hash) {
      out_.timed_out = out_.timed_out || image_hash.error().code == ETIMEDOUT;
      step(fmt::format("the image's file could not be read: {}", image_hash.error().message));
      return false;
    }
    out_.image_file->sha256 = *image_hash;
    if (*image_hash != out_.facts.sha256) {
      step(fmt::format("the image's file there has SHA-256 {}: changed", to_hex(*image_hash)));
      return false;
    }
    settle(Comparison::same_as_image_path);
    step(out_.facts.image_path_executable ? "equal to the image's file at that path: only touched"
                                          : "equal to the image's file at that path, which was not executable");
    return true;
  }

  void equals_other_file() {
    const auto found = baseline_.find_content(identity_.size, *out_.facts.sha256, deadline_);
    if (!found) {
      out_.timed_out = out_.timed_out || found.error().code == ETIMEDOUT;
      step(fmt::format("the image's executables could not be compared: {}", found.error().message));
    } else if (*found) {
      settle(Comparison::same_as_other_file);
      step(fmt::format("equal in content to the image's {}", printable((*found)->path)));
    } else {
      step("no executable of the image has this content");
    }
  }

  const container::Container& container_;
  const baseline::Baseline& baseline_;
  const int file_;
  const bool want_hash_;
  const bool hold_;
  const bool library_;
  const Steady::time_point deadline_;
  const FilePlace place_;
  Identity identity_;
  Examination out_;
};

}  // namespace

Examination examine(const container::Container& container, int file, pid_t pid, const ExamineOptions& options) {
  auto exam = Examiner(container, file, pid, options).run();
  // Nobody waits, and it lost its name during the look, which saw that as a change of the file.
  const bool doubtful = exam.facts.comparison == Comparison::writer_present && !exam.facts.path.empty();
  if (options.hold || options.library || !doubtful || !is_unlinked(file)) return exam;
  return Examiner(container, file, pid, options).run();
}

bool wants_hash(const policy::Policy& policy) {
  const auto asks = [](const policy::Rule& rule) { return rule.needs_hash(); };
  return policy.seal || std::any_of(policy.allows.begin(), policy.allows.end(), asks) ||
         std::any_of(policy.denies.begin(), policy.denies.end(), asks);
}

}  // namespace holdfast::gate
