#pragma once

#include <climits>
#include <cstddef>
#include <cstdint>

namespace holdfast::baseline {

// What an archive may hold: more than any honest image, less than would do harm. An archive beyond it is refused.

inline constexpr std::size_t kMostDocument = std::size_t{4} * 1024 * 1024;    ///< bytes of one JSON document
inline constexpr std::size_t kMostDocuments = std::size_t{64} * 1024 * 1024;  ///< bytes of all that are kept
inline constexpr std::size_t kMostJsonDepth = 24;
inline constexpr std::size_t kMostMembers = 65536;  ///< of an archive
inline constexpr std::size_t kMostManifests = 1024;
inline constexpr std::size_t kMostIndexDepth = 4;
inline constexpr std::size_t kMostLayers = 500;                                       ///< overlayfs takes no more
inline constexpr std::uint64_t kMostBytes = std::uint64_t{128} * 1024 * 1024 * 1024;  ///< unpacked, of all layers
inline constexpr std::size_t kMostNodes = 2'000'000;                       ///< files and directories of all layers
inline constexpr std::size_t kMostNames = std::size_t{512} * 1024 * 1024;  ///< bytes of their names
inline constexpr std::size_t kMostName = NAME_MAX;                         ///< bytes of one
inline constexpr std::size_t kMostPathBytes = PATH_MAX - 1;
inline constexpr int kMostSymlinks = 40;  ///< followed for one entry, as the kernel has it

}  // namespace holdfast::baseline
