"""Bind mount of an image program."""

ROW = "same bytes elsewhere"
SILENT = True
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r""">/tmp/x; mount -o bind /usr/local/bin/spare /tmp/x && /tmp/x && echo RAN"""
