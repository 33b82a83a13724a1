"""touch of an image program, content untouched."""

ROW = "attributes"
SILENT = True
SCRIPT = r"""touch /usr/local/bin/touched; /usr/local/bin/touched && echo RAN"""
