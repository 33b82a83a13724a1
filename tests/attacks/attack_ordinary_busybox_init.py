"""busybox init as the first process, with a service that is started again and again."""

from harness import debian

ROW = "ordinary work"
IMAGE = debian.image
ARGV = ["/usr/bin/busybox", "init"]
FILES = {"/etc/inittab": "::sysinit:/bin/true\n::respawn:/opt/cron.sh\n::shutdown:/bin/true\n"}
SILENT = True
SCRIPT = r"""sleep 1; [ -s /tmp/cron.log ] && [ "$(cat /proc/1/comm)" != sleep ] && echo RAN"""
