"""A copy of the image's loader under another name."""

ROW = "loader"
REASON = "loader"
SCRIPT = r"""cp /lib/ld-glibc.so /tmp/innocent; /tmp/innocent /attack/dynamic.bin $TAG"""
