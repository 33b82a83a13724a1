"""A program that just ran, patched: size and mtime as before."""

ROW = "race: cache"
REASON = "modified"
SCRIPT = r"""touch /opt/chameleon-0; /opt/chameleon-0; /opt/chameleon-0; /attack/flip /opt/chameleon-0; /opt/chameleon-0; mv /tmp/RAN-chameleon-0 /tmp/RAN-$TAG"""
