"""An image program patched through a mapping, size and mtime put back."""

ROW = "changed file"
REASON = "modified"
SCRIPT = r"""/attack/flip --map /opt/chameleon-0; /opt/chameleon-0; mv /tmp/RAN-chameleon-0 /tmp/RAN-$TAG"""
