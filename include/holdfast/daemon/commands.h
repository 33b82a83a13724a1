#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "holdfast/alert/queue.h"
#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/baseline/catalog.h"
#include "holdfast/container/discovery.h"
#include "holdfast/container/registry.h"
#include "holdfast/container/unprotected.h"
#include "holdfast/control/server.h"
#include "holdfast/daemon/kernel_features.h"
#include "holdfast/daemon/overriding.h"
#include "holdfast/gate/counters.h"
#include "holdfast/gate/exception_facts.h"
#include "holdfast/gate/rule_use.h"
#include "holdfast/policy/load.h"
#include "holdfast/policy/settings.h"

namespace holdfast::daemon {

/// What the commands of the control socket may see and do. References outlive the server; the rest is set before the
/// server starts and only read from then on. Everything is called from the server's workers, several at a time.
struct ServiceContext {
  container::Registry& registry;
  container::UnprotectedList& unprotected;
  container::Discovery& discovery;
  baseline::Catalog& catalog;
  gate::Counters& counters;
  alert::Queue& alerts;
  /// The policies in effect now.
  std::function<std::shared_ptr<const policy::PolicySet>()> policies;
  /// Reads settings and policies again; on an error the old ones stay.
  std::function<Result<void>()> reload;
  KernelFeatures kernel_features;
  Wall::time_point started = Wall::now();
  /// The settings in effect now.
  std::function<policy::Settings()> settings;
  /// How often a policy's rule has decided, and since when that is counted.
  std::function<gate::RuleUse::Uses(const policy::Policy&, const std::string& rule)> rule_uses;
  Overriding* overriding = nullptr;  ///< never null when the server starts
  /// What keeps the database from being used or written, as a sentence; empty: nothing.
  std::function<std::string()> storage_trouble = {};
  /// What exceptions ask beyond the file.
  const gate::ExceptionFacts* exception_facts = nullptr;
};

/// Adds every command to a server that has not started yet. `context` must outlive it.
void add_commands(control::Server& server, ServiceContext& context);

}  // namespace holdfast::daemon
