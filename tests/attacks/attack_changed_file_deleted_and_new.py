"""An image program deleted and written again."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""rm /usr/local/bin/linked; cp /attack/payload.bin /usr/local/bin/linked; chmod 755 /usr/local/bin/linked; /usr/local/bin/linked $TAG"""
