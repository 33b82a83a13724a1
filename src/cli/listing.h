#pragma once

#include <string>
#include <variant>

#include <boost/json/object.hpp>

#include "holdfast/baseline/image_listing.h"
#include "holdfast/cli/command.h"

namespace holdfast::cli {

/// What a listing is, without its files: the members that `baseline show` has, as far as they are known.
[[nodiscard]] boost::json::object describe(const baseline::ImageListing& listing);
[[nodiscard]] boost::json::object describe(const baseline::ListedFile& file);

/// "localhost/app:1, linux/amd64: 214 files (12.3 MiB)", for people.
[[nodiscard]] std::string headline(const baseline::ImageListing& listing);

/// How one side of a comparison is to be read.
struct ListingChoice {
  std::string image;     ///< which of several in an archive or a baseline file
  std::string platform;  ///< of an archive
};

/// The listing that a word means: an archive or a baseline file that is there, else an image that the service knows. A
/// failure has been printed.
[[nodiscard]] std::variant<baseline::ImageListing, Status> load_listing(const Invocation& invocation,
                                                                        const std::string& word,
                                                                        const ListingChoice& choice);

/// An archive's listing, with a bar that shows how far it has been read. A failure has been printed.
[[nodiscard]] std::variant<baseline::ImageListing, Status> load_archive(const Invocation& invocation,
                                                                        const std::string& path,
                                                                        const ListingChoice& choice);

/// An image's listing from the service. A failure has been printed.
[[nodiscard]] std::variant<baseline::ImageListing, Status> load_stored(const Invocation& invocation,
                                                                       const std::string& image);

}  // namespace holdfast::cli
