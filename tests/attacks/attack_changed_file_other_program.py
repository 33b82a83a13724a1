"""An image program overwritten with another one of the image, and more bytes."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""cat /usr/local/bin/spare /attack/payload.bin >/usr/local/bin/tool; /usr/local/bin/tool && >/tmp/RAN-$TAG"""
