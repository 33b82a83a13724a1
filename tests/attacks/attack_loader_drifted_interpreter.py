"""A drifted loader in place of the image's."""

ROW = "loader"
REASON = "modified"
SCRIPT = r"""cp /attack/payload.bin /lib/ld-glibc.so; /usr/local/bin/dynamic $TAG"""
