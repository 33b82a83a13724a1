#!/bin/bash
# beside.sh SECONDS COMMAND…: runs it with the processor time that nobody else wants, and writes its seconds into that file.
# To be started as a session of its own: it is between sessions that the kernel shares processors first (sched(7), "The
# autogroup feature"), so that idle scheduling alone would leave it as much as a whole container.
seconds=$1
shift
[ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup
chrt --idle --pid 0 $$
SECONDS=0
"$@"
status=$?
echo $SECONDS >"$seconds"
exit $status
