#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace holdfast {

/// Why something a caller may handle did not work. `code` is an errno value, or 0 where the kernel was
/// not the one to refuse. `message` is a full sentence part for people: what, on what, why.
struct Error {
  int code = 0;
  std::string message;
};

/// "WHAT: strerror(errno)"; reads errno first thing.
[[nodiscard]] Error errno_error(std::string_view what);
/// The same for a code at hand.
[[nodiscard]] Error errno_error(int code, std::string_view what);

/// A value or an Error. Asking for the one that is not there throws std::bad_variant_access: a bug.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace holdfast
