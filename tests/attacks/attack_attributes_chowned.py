"""chown of an image program, content untouched."""

ROW = "attributes"
SILENT = True
SCRIPT = r"""chown 12:34 /usr/local/bin/chowned; /usr/local/bin/chowned && echo RAN"""
