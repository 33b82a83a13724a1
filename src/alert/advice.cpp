// The catalog has one text a kind (conf/holdfast.catalog), which these lines complete. ASCII: they end in journals,
// mails and pagers of all sorts.

#include "advice.h"

#include <algorithm>

namespace holdfast::alert {
namespace {

constexpr std::array kAdvice = {
    Advice{Kind::drift, "added",  //
           "the image has no such file: it came into the container after it started",
           "who wrote it and who executed it, and whether a deployment or a package manager does so here",
           "nobody owns it: isolate the container, keep its root; it belongs there: ship it in the image"},
    Advice{Kind::drift, "modified",
           "one of the image's files has other content now, or somebody could write it while it ran",
           "who wrote it: an update in place, or tampering; the image's own hash is beside the file's",
           "nobody owns the change: isolate the container, keep its root, start a fresh one from the image"},
    Advice{Kind::drift, "made-executable",  //
           "the image ships this file as data, and somebody made it executable",
           "who did, and whether the image's build just forgot the bit",
           "set the mode in the image's build; if nobody knows why, treat it like an added program"},
    Advice{Kind::drift, "relocated",  //
           "a copy of one of the image's programs, under another path",
           "why it was copied: an entry point that unpacks itself, or a tool under a harmless name",
           "an [Allow] section with its Path, or Relocated=allow where copies are ordinary"},
    Advice{Kind::drift, "volume",  //
           "the program lies on a mount that is shared with the host or with other containers",
           "who else can write that volume, and whether programs belong on it at all",
           "a [Volume] section says what may run there; mount it noexec or read-only if nothing should"},
    Advice{Kind::drift, "fileless",  //
           "the program lies in memory only, without a file on any file system",
           "the process that made it, and its ancestors: few honest programs do this",
           "without an explanation it is an intrusion: isolate the container and keep it as it is"},
    Advice{Kind::drift, "loader",  //
           "the dynamic loader was executed itself: what it loads is not checked as a program",
           "the command line, which names the program that it was to load",
           "have that program executed directly; Loader= or an [Allow] section is the exception"},
    Advice{Kind::drift, "library",  //
           "a shared object that is not the image's was opened, as if to load it",
           "LD_PRELOAD and the like in that process's environment, and who wrote the file",
           "ship it in the image; until then an [Allow] section with its Sha256 lets it load"},
    Advice{Kind::drift, "prohibited",  //
           "the policy forbids this program, although the image may ship it",
           "who needed it and for what: such programs serve those who explore a container",
           "if the use is right, narrow the [Deny] section that the rule names; else follow that process"},
    Advice{Kind::drift, "unmediated",  //
           "it ran before the gate could be asked: the file's mount says what hid it",
           "who made that mount, and what the process may have done until it was found",
           "isolate the container if nobody can explain it; only prevent mode ends such programs"},
    Advice{Kind::exposure, "exposure",  //
           "not every execution in this container could be seen; the message says since when and why",
           "holdfast status: what is exposed now, and holdfast-limitations(7): what that means",
           "restart the container to have it watched from its first execution on"},
    Advice{Kind::exposure, "net",  //
           "what is executed past the gate is not found any more, in any container",
           "the kernel's reason in the message",
           "restart the service; what lies on marked file systems is still judged meanwhile"},
    Advice{Kind::exposure, "process-events",  //
           "the kernel dropped reports of executions because too many came at once",
           "which container or job started so many processes in that time",
           "what ran past the gate then and has ended is not known: judge containers by what you know"},
    Advice{Kind::exposure, "restart",  //
           "the service was away for a moment, and another one has taken over",
           "why it ended: journalctl -u holdfast around that time",
           "what ran past the gate meanwhile is not known; the gate itself lost nothing that it had marked"},
    Advice{Kind::override_, "began",  //
           "somebody has set a container's mode apart from its policy, for a limited time",
           "who asked and why: both are in the message",
           "if nobody you know did, end it (holdfast mode CONTAINER --end) and look at who is root here"},
    Advice{Kind::override_, "replaced",  //
           "an override of a container's mode was replaced by another one",
           "who asked, why, and until when: all are in the message",
           "if overrides follow one another, let the container's policy say what is needed"},
    Advice{Kind::override_, "ended",  //
           "an override was ended before its time, and the container's policy holds again",
           "who asked: the message says it",  //
           "nothing, if it was agreed on"},
    Advice{Kind::override_, "expired",  //
           "an override's time has come, and the container's policy holds again",
           "whether what it was for is done",  //
           "nothing; a longer need belongs into the policy"},
    Advice{Kind::service, "action",  //
           "what Action= did to a container after a denial, or could not do",
           "in the message: whether the container was paused, resumed or ended",
           "look at the denial before it; holdfast containers shows the container's state"},
    Advice{Kind::service, "alerts-lost",  //
           "so many alerts were not written; the verdicts themselves were not affected",
           "whether the journal or the file takes data (a full disk), and who caused a flood",
           "make room, or end the flood; holdfast status has the counts by reason"},
    Advice{Kind::service, "baseline",  //
           "what an image ships could not be read, stored, or is not what it was",
           "the image or file in the message; holdfast baseline verify reads it again",
           "if an image's layer was changed on the host, find out by whom; then holdfast baseline rebuild"},
    Advice{Kind::service, "deadline",  //
           "a verdict took longer than Deadline=, and OnDeadline= has answered instead",
           "the host's load, slow storage, and how large that file is",
           "raise Deadline=, or choose OnDeadline=deny where what was not checked must not run"},
    Advice{Kind::service, "evidence",  //
           "no copy was kept of a denied file, although Evidence= asks for one",
           "the reason in the message: no room, too large, or not readable any more",
           "make room in the state directory, or keep the file from the container by hand"},
    Advice{Kind::service, "gate",  //
           "the thread that answers the kernel was held up, or has ended",
           "in the message: whether executions are allowed unchecked now",
           "restart the service if it does not do so itself, and report it with the journal around it"},
    Advice{Kind::service, "kernel",  //
           "the kernel denied executions without asking, since it could not deliver the question",
           "the service's limit of open files (LimitNOFILE=), and the host's memory",
           "raise the limit; programs in containers may have failed with EPERM"},
    Advice{Kind::service, "lost",  //
           "executions in containers in detect mode were not judged: too many came at once",
           "which container executes so much",
           "accept the gap, since detect mode holds nobody up, or use prevent mode, where executions wait"},
    Advice{Kind::service, "overflow",  //
           "the kernel's queue of events overflowed: executions were allowed without being seen",
           "the host's memory and load at that time", "count the containers as not watched for that time"},
    Advice{Kind::service, "reload",  //
           "the new configuration has a mistake, and the old one is still in effect",
           "the file and the line in the message; holdfast policy check FILE says it, too",
           "correct it, then holdfast policy reload"},
    Advice{Kind::service, "restart",  //
           "something that the service before this one had in hand could not be taken over whole",
           "in the message: what was denied or is missing",
           "have the program that was denied executed again; look at why the last service ended"},
    Advice{Kind::service, "seal",  //
           "what a fresh container wrote and executed within [Seal] Window= is pinned by its hash",
           "whether these programs belong there: everything else is drift from now on",
           "nothing, if they do; a program that never should be pinned wants a [Deny] section"},
    Advice{Kind::service, "storage",  //
           "the state directory cannot be written: baselines are kept elsewhere until it can",
           "free space and mount options of that file system", "make room, then restart the service"},
    Advice{Kind::service, "unattributed",  //
           "a program was denied whose file and process belong to no known container",
           "which container began or ended at that moment, and the process that the alert names",
           "if it comes again, report it: such an execution should have been recognised"},
    Advice{Kind::service, "writers",  //
           "who wrote some files was not seen: too many were written at once", "which container writes so much",
           "nothing: alerts about those files just do not name a writer"},
};

constexpr bool all_fit() {
  return std::all_of(kAdvice.begin(), kAdvice.end(), [](const Advice& advice) {
    return std::max({advice.meaning.size(), advice.check.size(), advice.action.size()}) <= kMaxAdvice;
  });
}
static_assert(all_fit());

}  // namespace

const Advice* advice_for(Kind kind, std::string_view reason) {
  const auto* found = std::find_if(kAdvice.begin(), kAdvice.end(), [&](const Advice& advice) {
    return advice.kind == kind && advice.reason == reason;
  });
  return found == kAdvice.end() ? nullptr : found;
}

}  // namespace holdfast::alert
