"""chmod of an image program, content untouched."""

ROW = "attributes"
SILENT = True
SCRIPT = r"""chmod 700 /usr/local/bin/chmodded; /usr/local/bin/chmodded && echo RAN"""
