"""An untouched program that just ran, then copied up and patched."""

ROW = "race: cache"
REASON = "modified"
SCRIPT = r"""/opt/chameleon-0; /opt/chameleon-0; /attack/flip --map /opt/chameleon-0; /opt/chameleon-0; mv /tmp/RAN-chameleon-0 /tmp/RAN-$TAG"""
