// What the writers' thread takes in.

#include <sys/fanotify.h>
#include <sys/stat.h>

#include <cerrno>

#include "holdfast/gate/executed_file.h"
#include "holdfast/kernel/file.h"
#include "holdfast/kernel/proc.h"

#include "writers_impl.h"

namespace holdfast::gate {
namespace {

/// Parents that nobody has seen execute anything are looked up so far.
constexpr std::size_t kMostLearned = 16;

}  // namespace

/// After events are read and before they are looked at: then whoever caused one is known by its fork, even if it has
/// executed nothing and is gone.
void WritersImpl::take_forks() {
  if (!forks_) return;
  do {
    if (!forks_->read(fork_batch_)) return;
    if (fork_batch_.lost) to_.history.forget_all();
    to_.history.note_forks(fork_batch_.forks);
  } while (fork_batch_.more);
}

void WritersImpl::note_loss() {
  to_.counters.writer_events_lost.fetch_add(1, std::memory_order_relaxed);
  // What was read since may show a file as one has left it whose event was lost.
  contents_.forget_since(last_empty_);
}

/// False if there was nothing to read.
bool WritersImpl::take_written() {
  if (const auto read = written_.read(events_, buffer_); !read) {
    // The file could not be opened for us: a device without a driver has nobody who executes it.
    if (read.error().code != ENXIO && read.error().code != ENODEV) note_loss();
    return true;
  }
  if (!events_.empty()) take_forks();
  std::vector<UniqueFd> done;
  for (auto& event : events_) {
    if (event.is_overflow()) {
      note_loss();
    } else if (event.file) {
      take_written(event);
      done.push_back(std::move(event.file));
    }
  }
  to_.closer.close(std::move(done));
  return !events_.empty();
}

void WritersImpl::take_written(const kernel::FanotifyEvent& event) {
  struct statx st {};
  if (!kernel::statx_without_asking(event.file.get(), "", STATX_BASIC_STATS | STATX_BTIME, st)) return;
  if (!S_ISREG(st.stx_mode)) {
    // /dev/null, written all the time; and a FIFO, which our opening it makes look as if it had a reader.
    (void)written_.ignore_inode(event.file.get(), FAN_CLOSE_WRITE);
    return;
  }
  to_.counters.writer_events.fetch_add(1, std::memory_order_relaxed);
  const auto file = version_from(st);
  contents_.note(file, deed_of(event.pid, file, (st.stx_mode & kernel::kAnyExecute) != 0, alert::Hand::wrote));
}

bool WritersImpl::take_changed() {
  bool lost = false;
  if (!upper_.read(lost)) return false;
  if (lost) to_.counters.writer_events_lost.fetch_add(1, std::memory_order_relaxed);
  take_forks();
  upper_.tell([this](const UpperWatch::Change& change) { take_change(change); });
  return true;
}

void WritersImpl::take_change(const UpperWatch::Change& change) {
  to_.counters.writer_events.fetch_add(1, std::memory_order_relaxed);
  if (change.renamed || change.linked) {
    const auto how = change.renamed ? alert::Hand::renamed : alert::Hand::linked;
    names_.note(change.file, deed_of(change.pid, change.file, change.executable, how));
  }
  if (!change.attributes) return;
  // Attributes are many: only that a file has an x bit which it had not is kept, and what the same process does next.
  const auto before = modes_.find(change.file);
  if (before && before->executable == change.executable && before->pid != change.pid) return;
  if (!before && !change.executable) return;
  modes_.note(change.file, deed_of(change.pid, change.file, change.executable, alert::Hand::made_executable));
}

Deed WritersImpl::deed_of(pid_t pid, const FileVersion& file, bool executable, alert::Hand how) {
  return {program_of(pid), pid, Wall::now(), how, executable, file.ctime};
}

/// With its parents looked up while they are there.
WritersImpl::Shared WritersImpl::program_of(pid_t pid) {
  auto program = to_.history.who(pid);
  if (!program || program->device == 0) {
    if (auto living = learn(pid)) program = std::move(living);
  }
  if (!program || program == completed_ || program->container.expired()) return program;
  auto ancestors = to_.history.ancestors(program);
  for (std::size_t i = 0; i < kMostLearned; ++i) {
    const auto& last = ancestors.empty() ? program : ancestors.back();
    if (last->parent_pid <= 1 || last->container.expired()) break;
    // One that is known, and not as an ancestor, has executed something else since: what it was is not known.
    if (to_.history.who(last->parent_pid) || !learn(last->parent_pid)) break;
    const auto known = ancestors.size();
    ancestors = to_.history.ancestors(program);
    if (ancestors.size() <= known) break;
  }
  completed_ = program;
  return program;
}

/// From /proc, if the process is still there; of the host's processes, too, which write into containers.
WritersImpl::Shared WritersImpl::learn(pid_t pid) {
  const auto proc = kernel::open_proc(pid);
  const auto status = proc ? kernel::read_status(proc->get()) : Result<kernel::ProcessStatus>(proc.error());
  auto exe = status ? kernel::read_link_at(proc->get(), "exe") : Result<std::string>(status.error());
  if (!exe) return nullptr;
  Program program;
  program.pid = pid;
  program.parent_pid = status->ppid;
  program.uid = status->uid;
  program.exe = std::move(*exe);
  program.cmdline = kernel::read_cmdline(proc->get(), ExecHistory::kMostArguments);
  if (const auto file = look_at_executed_file(proc->get())) {
    program.device = file->st.st_dev;
    program.identity = identity_of(file->st);
  }
  program.container = to_.membership.container_of(proc->get());
  program.at =
      Steady::now() - std::chrono::duration_cast<Steady::duration>(kernel::time_since_start(status->start_ticks));
  return to_.history.note(std::move(program));
}

}  // namespace holdfast::gate
