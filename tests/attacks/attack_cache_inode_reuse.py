"""A new file with the inode number, size and mtime of one that just ran."""

ROW = "race: cache"
REASON = "added"
SCRIPT = r"""cp /usr/local/bin/tool /tmp/t; /attack/reuse /tmp/t /attack/payload.bin $TAG"""
