"""An image's script changed."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""printf '#!/bin/sh\n>/tmp/RAN-%s\n' $TAG >/usr/local/bin/hello; /usr/local/bin/hello"""
