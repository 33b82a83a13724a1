"""tini as the first process."""

from harness import debian

ROW = "ordinary work"
IMAGE = debian.image
ARGV = ["/usr/bin/tini", "-g", "--", "/bin/sh", "-c", "while :; do /opt/cron.sh >/dev/null; sleep 0.2; done"]
SILENT = True
SCRIPT = r"""sleep 1; [ -s /tmp/cron.log ] && [ "$(cat /proc/1/comm)" = tini ] && echo RAN"""
