"""mv of an image program."""

ROW = "same bytes elsewhere"
SILENT = True
SCRIPT = r"""mv /usr/local/bin/spare /tmp/x; /tmp/x && echo RAN"""
