"""A dynamic program whose ELF interpreter is the image's."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""cp /attack/dynamic.bin /tmp/evil; chmod 755 /tmp/evil; /tmp/evil $TAG"""
