"""Shells, pipelines, a cron-like loop, package metadata."""

from harness import debian

ROW = "ordinary work"
IMAGE = debian.image
SILENT = True
SCRIPT = r"""set -e
for i in $(seq 20); do echo $i | tr 0-9 a-j | sort | uniq -c | awk '{ print $2 }'; done >/tmp/out
bash -c 'for f in /etc/*; do [ -f "$f" ] && head -c 10 "$f" >/dev/null; done; echo "$(date) $(hostname)"' >/tmp/bash.log
dash -c 'find / -xdev -name "*.so*" | xargs -n 50 ls -l' >/tmp/list
dpkg -l >/tmp/packages; dpkg -S /bin/ls; dpkg --verify libc6 || true; dpkg-query -W -f '${Package}\n' | wc -l
perl -e 'system("true") == 0 or die'
for i in 1 2 3; do /opt/cron.sh; sleep 0.1; done
env -i PATH=/usr/bin:/bin sh -c 'id; ps' || true
cat /usr/bin/ls >/tmp/copy-that-nobody-executes; sha256sum /tmp/copy-that-nobody-executes; chmod 644 /usr/bin/uniq; chmod 755 /usr/bin/uniq; echo a | uniq
touch /usr/bin/sort; echo b | sort
echo RAN"""
