#pragma once

#include "holdfast/container/discovery.h"
#include "holdfast/gate/gate.h"
#include "holdfast/gate/writers.h"

namespace holdfast::gate {

/// Discovery's marks: the gate's, and along with each the one by which writers are known. That the latter fails is no
/// reason to call a container unprotected: its files' writers are unknown then.
class Marks final : public container::Marker {
 public:
  Marks(Gate& gate, Writers& writers) : gate_(gate), writers_(writers) {}

  Result<void> mark_root(int root, const container::Container& container) override {
    (void)writers_.follow_root(root, container);
    return gate_.mark_root(root, container);
  }
  Result<void> mark_mount(int fd, const container::Container& container) override {
    (void)writers_.follow_mount(fd, container);
    return gate_.mark_mount(fd, container);
  }
  Result<void> mark_directory(int directory, const container::Container& container) override {
    (void)writers_.follow_directory(directory, container);
    return gate_.mark_directory(directory, container);
  }

 private:
  Gate& gate_;
  Writers& writers_;
};

}  // namespace holdfast::gate
