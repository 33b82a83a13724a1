"""An image program with bytes appended."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""echo x >>/usr/local/bin/appended; /usr/local/bin/appended && >/tmp/RAN-$TAG"""
