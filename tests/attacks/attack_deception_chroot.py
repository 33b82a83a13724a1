"""A chroot in which drift has the name of an excepted path."""

ROW = "deception"
REASON = "added"
SCRIPT = r"""mkdir -p /tmp/jail/opt/plugins /tmp/jail/tmp; cp /attack/payload.bin /tmp/jail/opt/plugins/evil; chmod 755 /tmp/jail/opt/plugins/evil; chroot /tmp/jail /opt/plugins/evil $TAG; mv /tmp/jail/tmp/RAN-$TAG /tmp/"""
