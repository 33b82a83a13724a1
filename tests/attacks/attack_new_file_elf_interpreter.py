"""An image's dynamic program whose ELF interpreter is drift."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""cp /attack/payload.bin /tmp/drifted-ld; chmod 755 /tmp/drifted-ld; /opt/interp-user $TAG"""
