"""glibc's loader, told to load a program that may not run."""

ROW = "loader"
REASON = "loader"
SCRIPT = r"""/lib/ld-glibc.so /attack/dynamic.bin $TAG"""
