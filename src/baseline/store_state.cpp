#include "store.h"

namespace holdfast::baseline {

Result<std::int64_t> Store::alive() {
  const std::lock_guard lock(write_mutex_);
  auto select = Statement::prepare(writer_, "SELECT value FROM service_state WHERE key='alive'");
  if (!select) return select.error();
  auto row = select->step();
  if (!row) return row.error();
  return *row ? select->integer() : 0;
}

Result<void> Store::set_alive(std::int64_t seconds) {
  const std::lock_guard lock(write_mutex_);
  auto insert = Statement::prepare(writer_, "INSERT OR REPLACE INTO service_state (key, value) VALUES ('alive', ?)");
  if (!insert) return insert.error();
  return insert->bind(seconds).run();
}

}  // namespace holdfast::baseline
