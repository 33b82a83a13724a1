"""A hard link to the image's loader."""

ROW = "loader"
REASON = "loader"
SCRIPT = r"""ln /lib/ld-glibc.so /tmp/innocent; /tmp/innocent /attack/dynamic.bin $TAG"""
