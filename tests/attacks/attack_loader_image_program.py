"""The loader told to load a program of the image's."""

ROW = "loader"
REASON = "loader"
SCRIPT = r"""/lib/ld-glibc.so /usr/local/bin/dynamic && >/tmp/RAN-$TAG"""
