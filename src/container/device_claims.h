#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

namespace holdfast::container {

/// Lets one thread at a time admit a root. Who comes second waits: its runtime must not go on before the mark is there.
class DeviceClaims {
 public:
  using Key = std::pair<dev_t, ino_t>;  ///< inode 0: the whole superblock

  class Claim {
   public:
    Claim(DeviceClaims& claims, Key key) : claims_(claims), key_(key) {
      std::unique_lock lock(claims_.mutex_);
      claims_.released_.wait(lock, [&] { return !claims_.held_.contains(key_); });
      claims_.held_.insert(key_);
    }
    ~Claim() {
      {
        const std::lock_guard lock(claims_.mutex_);
        claims_.held_.erase(key_);
      }
      claims_.released_.notify_all();
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    DeviceClaims& claims_;
    const Key key_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  std::set<Key> held_;
};

}  // namespace holdfast::container
