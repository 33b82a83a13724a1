"""A program in a directory of its own made below the root."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""mkdir -p /a/b/c; cp /attack/payload.bin /a/b/c/evil; chmod 755 /a/b/c/evil; cd /a/b; ./c/evil $TAG"""
