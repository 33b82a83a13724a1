#include <sys/stat.h>

#include <cerrno>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/gate/examine.h"
#include "holdfast/gate/mount_of_file.h"
#include "holdfast/kernel/file.h"

#include "leased_hash.h"

namespace holdfast::gate {
namespace {

using container::MountKind;
using verdict::Comparison;
using verdict::Layer;

std::string in_words(const container::MountUse& use) {
  const auto where = use.given ? fmt::format("mounted at {} by the runtime", printable(use.destination))
                               : std::string("mounted inside the container");
  return fmt::format(
      "{} {}, {}, {}", printable(use.type), where, use.writable ? "writable" : "read-only",
      use.kind == MountKind::shared ? "shared with the host or other containers: a volume" : "the container's own");
}

/// True if the file can be read without waiting for whoever serves its file system.
bool describe_mount(const container::Container& container, container::Mounts& mounts, int file, pid_t pid,
                    Examination& out) {
  auto& facts = out.facts;
  const auto found = mount_of_file(file, pid, container);
  if (!found) {
    facts.layer = Layer::other;
    out.steps.emplace_back("its mount is in no mount table of the container (detached): the container's own");
    return false;
  }
  const auto use = mounts.use_of(container, found->mount, found->in_superblock.value_or("/"));
  out.steps.push_back(fmt::format("the file lies beyond the container's root: {}", in_words(use)));
  if (use.kind == MountKind::shared) {
    facts.layer = Layer::volume;
    facts.volume = verdict::VolumeFacts{use.destination, use.source, use.type, use.writable};
  } else {
    facts.layer = use.type == "tmpfs" ? Layer::tmpfs : Layer::other;
  }
  // What was mounted inside has no path that a rule could trust: a bind mount may put it anywhere.
  if (use.given && found->in_superblock) facts.path = use.path;
  return container::opens_locally(use.type);
}

/// As on the root, with the file itself in the place of an upper layer's.
void hash_under_lease(int file, const ExamineOptions& options, Examination& out) {
  const auto writer = [&](const std::string& why) {
    out.facts.comparison = Comparison::writer_present;
    out.steps.push_back(fmt::format("a writer cannot be excluded, so no rule by hash fits: {}", why));
  };
  auto copy = reopen(file);
  if (!copy) return;
  auto lease = kernel::ReadLease::take(*copy);
  struct stat before {};
  if (!lease) return writer(lease.error().message);
  if (::fstat(file, &before) != 0) return writer("it could not be looked at");
  const auto hash = hash_unwritten(file, identity_of(before), *lease, options.deadline);
  if (!hash && hash.error().code == ESTALE) return writer(hash.error().message);
  if (!hash) {
    out.timed_out = hash.error().code == ETIMEDOUT;
    return;
  }
  out.facts.sha256 = *hash;
  out.steps.push_back(fmt::format("its SHA-256 is {}; no writer existed while it was read", to_hex(*hash)));
  if (options.hold) out.overlay_lease = std::move(*lease);
}

}  // namespace

Examination examine_elsewhere(const container::Container& container, container::Mounts& mounts, int file, pid_t pid,
                              const ExamineOptions& options) {
  Examination out;
  out.shown_path = shown_path(file);
  out.facts.comparison = Comparison::unknown_to_image;
  struct stat st {};
  if (kernel::stat_without_asking(file, st)) out.facts.size = static_cast<std::uint64_t>(st.st_size);
  const bool readable = describe_mount(container, mounts, file, pid, out);
  out.facts.library = options.library;
  if (readable) {
    if (auto look = kernel::look_at_elf(file)) out.elf = *look;
  }
  if (options.want_hash && readable) hash_under_lease(file, options, out);
  return out;
}

}  // namespace holdfast::gate
