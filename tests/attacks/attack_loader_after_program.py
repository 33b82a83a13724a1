"""The loader executed by a process that was a dynamic program before."""

ROW = "loader"
REASON = "loader"
SCRIPT = r"""/usr/local/bin/dynamic; exec /lib/ld-glibc.so /attack/dynamic.bin $TAG"""
