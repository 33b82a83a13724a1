"""A new file with the inode number, size and mtime of one that just ran."""

ROW = "race: cache"
REASON = "added"
# Status 3: somebody else on the file system got the number, and nothing was executed under it.
SCRIPT = r"""i=0; while cp /usr/local/bin/tool /tmp/t; /attack/reuse /tmp/t /attack/payload.bin $TAG; s=$?
[ $s = 3 ] && [ $i -lt 20 ]; do rm -f /tmp/t; i=$((i + 1)); done; exit $s"""
