"""musl's loader, told to load a program that may not run."""

from harness import tools

ROW = "loader"
REASON = "loader"
NEEDS = tools.musl_loader
SCRIPT = r"""/lib/ld-musl.so /attack/dynamic.bin $TAG"""
