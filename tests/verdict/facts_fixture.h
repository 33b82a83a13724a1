#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "holdfast/verdict/decide.h"

namespace holdfast::test {

inline constexpr std::string_view kHashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

inline verdict::Facts facts(verdict::Comparison comparison, verdict::Layer layer = verdict::Layer::upper) {
  verdict::Facts f;
  f.path = "/tmp/x";
  f.layer = layer;
  f.comparison = comparison;
  return f;
}

inline policy::Policy policy_in(policy::Mode mode) {
  policy::Policy p;
  p.name = "test.policy";
  p.drift.mode = mode;
  return p;
}

inline policy::Rule rule(std::string name, std::vector<std::string> paths, std::vector<Sha256> hashes = {}) {
  policy::Rule r;
  r.name = std::move(name);
  r.paths = std::move(paths);
  r.hashes = std::move(hashes);
  return r;
}

}  // namespace holdfast::test
