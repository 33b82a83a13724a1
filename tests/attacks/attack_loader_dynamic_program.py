"""Dynamic programs of the image's, and a script that one of them interprets."""

ROW = "loader"
SILENT = True
SCRIPT = r"""for i in 1 2 3; do /usr/local/bin/dynamic || exit; /usr/local/bin/dynamic-script || exit; done; echo RAN"""
