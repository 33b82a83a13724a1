#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "holdfast/base/clock.h"
#include "holdfast/base/result.h"
#include "holdfast/base/unique_fd.h"
#include "holdfast/kernel/fanotify.h"

namespace holdfast::daemon {

// OnAbsence=allow with a store: systemd holds the group for as long as it tries to start a service, so somebody else
// must let the containers go if none comes. That is holdfast-release, a process and unit of its own: each service
// passes it the group through its socket and keeps the connection. When that ends, another service must connect within
// the patience, else every mark is removed and everybody who waits goes on.

/// How long the containers wait for a service to come back.
inline constexpr std::chrono::seconds kPatience{10};

/// Of the service whose run-time directory that is.
[[nodiscard]] std::string release_socket(const std::string& runtime_directory);

/// The service's side: the connection, to be kept open.
[[nodiscard]] Result<UniqueFd> entrust(const std::string& socket, const kernel::FanotifyGroup& group);
/// Nobody is to wait for a service: the other side gives the group up at once.
void dismiss(UniqueFd connection);
/// Whether the other side is gone.
[[nodiscard]] bool is_closed(const UniqueFd& connection);

/// The other side. Waits for services and for their ends until `stop_fd` is readable; `tell` gets a sentence each time
/// that containers were let go.
class Releaser {
 public:
  struct Options {
    std::string socket;  ///< made with mode 0600; its directory exists
    std::chrono::milliseconds patience = kPatience;
    std::function<void(const std::string&)> tell;
  };
  [[nodiscard]] static Result<Releaser> create(Options options);
  void run(int stop_fd);

 private:
  Releaser(Options options, UniqueFd listening) : options_(std::move(options)), listening_(std::move(listening)) {}
  void accept_service();
  void look_at_service();
  void release();

  Options options_;
  UniqueFd listening_, service_;  ///< the second: the service that is there now
  UniqueFd group_;
  std::optional<Steady::time_point> end_;  ///< of the patience, while no service is there
};

}  // namespace holdfast::daemon
