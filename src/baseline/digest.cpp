#include "digest.h"

#include <new>

namespace holdfast::baseline {
namespace {

void check(bool fine) {
  if (!fine) throw std::bad_alloc();
}

}  // namespace

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  // Fetching costs a search through providers: once is enough, it never changes.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  check(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), kSha256, nullptr) == 1);
}

void Digest::update(const void* data, std::size_t size) { check(EVP_DigestUpdate(context_.get(), data, size) == 1); }

Sha256 Digest::finish() {
  Sha256 out{};
  check(EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
  return out;
}

}  // namespace holdfast::baseline
