"""cp of an image program."""

ROW = "same bytes elsewhere"
SILENT = True
SCRIPT = r"""cp /usr/local/bin/spare /tmp/x; /tmp/x && echo RAN"""
