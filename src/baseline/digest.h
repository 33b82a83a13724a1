#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <openssl/evp.h>

#include "holdfast/base/sha256.h"

namespace holdfast::baseline {

/// One SHA-256 in the making. Fails only for want of memory, which ends the program like any other such failure.
class Digest {
 public:
  Digest();
  void update(const void* data, std::size_t size);
  void update(std::string_view bytes) { update(bytes.data(), bytes.size()); }
  [[nodiscard]] Sha256 finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace holdfast::baseline
