#include "holdfast/daemon/overriding.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "holdfast/base/text.h"
#include "holdfast/gate/alert_facts.h"
#include "holdfast/gate/process_facts.h"
#include "holdfast/kernel/proc.h"

namespace holdfast::daemon {
namespace {

using container::Container;
using policy::Override;

constexpr const char* kBegan = "began";
constexpr const char* kReplaced = "replaced";
constexpr const char* kEnded = "ended";
constexpr const char* kExpired = "expired";

/// As whom somebody had logged in who is root now; nothing if they never did, or the kernel does not say.
std::optional<std::uint32_t> login_of(int proc_dir) {
  constexpr std::size_t kLimit = 32;
  constexpr std::uint32_t kNobody = ~0U;
  const auto text = kernel::read_file_at(proc_dir, "loginuid", kLimit);
  if (!text) return std::nullopt;
  std::uint32_t uid = kNobody;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), uid);
  if (error != std::errc() || uid == kNobody) return std::nullopt;
  return uid;
}

/// Quoted if it could pass for words of the sentence around it. The sinks make it printable.
std::string quoted_name(std::string name) {
  return name.find_first_of(" \"'") == std::string::npos ? name : fmt::format("\"{}\"", name);
}

std::string called(const Override& one) {
  constexpr std::size_t kShortId = 12;
  std::string name = !one.name.empty() ? quoted_name(one.name) : quoted_name(one.target.id.substr(0, kShortId));
  if (name == "\"\"" || name.empty()) name = "a container without a name";
  return one.image.empty() ? name : fmt::format("{} ({})", name, quoted_name(one.image));
}

std::string because(const std::string& reason) { return reason.empty() ? std::string() : ": " + reason; }

}  // namespace

struct Overriding::Asker {
  control::Peer peer;
  std::optional<std::uint32_t> login;
  std::optional<alert::ProcessInfo> process;

  explicit Asker(const control::Peer& from) : peer(from) {
    if (peer.pid == 0) return;
    const auto proc = kernel::open_proc(peer.pid);
    if (!proc) return;
    login = login_of(proc->get());
    process = gate::describe_process(proc->get(), peer.pid);
  }
  [[nodiscard]] std::string text() const {
    const std::string logged_in = login ? fmt::format(", logged in as uid {}", *login) : std::string();
    return fmt::format("by uid {} (pid {}{})", peer.uid, peer.pid, logged_in);
  }
};

Result<Overriding::Shared> Overriding::begin(const std::shared_ptr<Container>& container, const Wish& wish,
                                             const control::Peer& from) {
  if (auto fine = policy::check_override(wish.duration, wish.reason); !fine) return fine.error();
  const Asker asker(from);
  const std::scoped_lock lock(mutex_);
  const auto now = to_.clock();
  const auto names = container->names();
  const auto own = container->own_policy();
  if (own == nullptr) return Error{0, "this container has no policy yet; try again in a moment"};
  Override one;
  const auto& key = container->key();
  one.target = {key.device, key.inode, key.birth, names->id};
  one.name = names->name;
  one.image = names->image;
  one.mode = wish.mode;
  one.reason = wish.reason;
  one.began = now.wall;
  one.until = now.wall + wish.duration;
  one.boot = now.boot;
  one.boot_until = now.since_boot + wish.duration;
  one.uid = from.uid;
  one.pid = from.pid;
  one.login_uid = asker.login;
  auto replaced = to_.overrides.begin(one);
  if (!replaced) return replaced.error();
  // Of the time before the container's id was known.
  for (const auto& other : to_.overrides.all()) {
    if (other->target == one.target || !container::is_target(*other, *container)) continue;
    to_.overrides.end(*other);
    if (!*replaced) replaced = other;
  }
  to_.discovery.apply_policies();
  const std::string instead = *replaced ? fmt::format("{}, which an override asked for until {}",
                                                      to_string((*replaced)->mode), rfc3339((*replaced)->until))
                                        : std::string(to_string(own->drift.mode));
  tell(*replaced ? kReplaced : kBegan, one,
       fmt::format("mode of {} set to {} instead of {}, until {}, {}: {}", called(one), to_string(one.mode), instead,
                   rfc3339(one.until), asker.text(), one.reason),
       &asker);
  return std::make_shared<const Override>(std::move(one));
}

/// By what the container is called now, which may be more than was known when it began; else by what it was then.
Result<Overriding::Shared> Overriding::find(const std::string& container) const {
  if (const auto running = to_.registry.resolve(container)) {
    if (auto found = to_.overrides.find(**running)) return found;
    return Error{0, fmt::format("the mode of {} is not overridden", shorten(printable(container), 100))};
  }
  return to_.overrides.resolve(container);
}

Result<Overriding::Shared> Overriding::end(const std::string& container, const std::string& reason,
                                           const control::Peer& from) {
  if (!reason.empty()) {
    if (auto fine = policy::check_override_reason(reason); !fine) return fine.error();
  }
  const Asker asker(from);
  const std::scoped_lock lock(mutex_);
  const auto one = find(container);
  if (!one) return one.error();
  to_.overrides.end(**one);
  to_.discovery.apply_policies();
  const auto running = container_of(**one);
  const std::string back = running ? fmt::format("mode of {} is {} again", called(**one), to_string(running->mode()))
                                   : fmt::format("mode of {} is not overridden any more", called(**one));
  tell(kEnded, **one,
       fmt::format("{}: its override to {} was ended before its time, {}{}", back, to_string((*one)->mode),
                   asker.text(), because(reason)),
       &asker);
  return *one;
}

void Overriding::review() {
  const std::scoped_lock lock(mutex_);
  const auto ended = to_.overrides.take_ended(to_.clock());
  const auto containers = to_.registry.all();
  const bool stale = std::ranges::any_of(
      containers, [&](const auto& one) { return one->own_policy() && to_.overrides.find(*one) != one->overriding(); });
  if (!ended.empty() || stale) to_.discovery.apply_policies();
  for (const auto& one : ended) {
    const auto running = container_of(*one);
    const std::string back = running ? fmt::format("mode of {} is {} again", called(*one), to_string(running->mode()))
                                     : fmt::format("mode of {} is not overridden any more", called(*one));
    tell(kExpired, *one,
         fmt::format("{}: its override to {} was asked for until {}", back, to_string(one->mode), rfc3339(one->until)),
         nullptr);
  }
}

std::shared_ptr<Container> Overriding::container_of(const Override& one) const {
  for (auto& container : to_.registry.all()) {
    if (container::is_target(one, *container)) return std::move(container);
  }
  return nullptr;
}

void Overriding::tell(const char* what, const Override& about, const std::string& message, const Asker* asker) {
  alert::Alert alert;
  alert.time = Wall::now();
  alert.kind = alert::Kind::override_;
  alert.reason = what;
  alert.message = message;
  alert.container.emplace();
  alert.container->id = about.target.id;
  alert.container->name = about.name;
  alert.container->image = about.image;
  if (const auto running = container_of(about)) {
    alert.container = gate::describe_container(*running->names());
    alert.mode = to_string(running->mode());
    alert.policy = running->policy()->name;
  }
  if (asker != nullptr) alert.process = asker->process;
  to_.tell(std::move(alert));
}

}  // namespace holdfast::daemon
