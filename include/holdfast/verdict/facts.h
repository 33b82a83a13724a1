#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/sha256.h"
#include "holdfast/policy/policy.h"
#include "holdfast/policy/reason.h"

namespace holdfast::verdict {

/// Where the executed file's bytes lie. `other`: a file system of the container's own that is neither its root nor a
/// tmpfs.
enum class Layer { upper, image, volume, memfd, tmpfs, other };
/// As alerts spell it; "" for `other`, which alerts leave out.
[[nodiscard]] std::string_view to_string(Layer layer);

/// How the executed bytes compare with the image's, as far as somebody had to look. Each state is a proof or the
/// lack of one; `decide` never asks for more.
enum class Comparison {
  image_identity,      ///< same identity as an image file: the image's own bytes (kernel fact 16)
  same_as_image_path,  ///< touched, but equal in content to the image's file at that path; no writer exists
  same_as_other_file,  ///< equal in content to an image executable at another path; no writer exists
  differs_from_path,   ///< the image has a file at that path, and this is not it
  unknown_to_image,    ///< no such path in the image and no such content
  writer_present,      ///< content cannot be proven: somebody can write the file while it runs
};

/// The mount of a file in layer `volume`, as [Volume] sections ask for it.
using VolumeFacts = policy::VolumeSubject;

/// All that is known of one execution attempt when it is judged. A value: no descriptors, no clock.
struct Facts {
  std::string path;  ///< in the container, raw bytes; may be empty (unlinked, O_TMPFILE)
  std::uint64_t size = 0;
  Layer layer = Layer::upper;
  Comparison comparison = Comparison::unknown_to_image;
  bool image_has_path = false;         ///< the image ships a regular file at that path
  bool image_path_executable = false;  ///< … with an x bit
  std::optional<Sha256> sha256;        ///< of the executed file, where it was read or is known from the baseline
  bool prohibited = false;             ///< the container's prohibited table has this identity
  std::optional<VolumeFacts> volume;   ///< layer `volume`, where its mount was found
  bool loader = false;                 ///< an ELF interpreter that was executed itself, to load another program
  bool library = false;                ///< a shared object that was opened, not executed
  // Only where the policy asks for them:
  std::string writer;   ///< the program that wrote it, likewise
  std::string parent;   ///< the program that executes it, by its path in the image; empty: not known as such
  bool sealed = false;  ///< pinned by [Seal]: written by the fresh container itself within its window
  std::vector<std::string> images;  ///< references, digests and ids of the images that ship its content as a program
};

/// The drift reason these facts amount to before policy, or nothing for image code. Never `unmediated`: facts do not
/// say whether the gate was asked. Who judges after the fact decides by the facts, then reports `unmediated` itself.
[[nodiscard]] std::optional<policy::Reason> classify(const Facts& facts);

}  // namespace holdfast::verdict
