"""A chroot in which drift has the name of an image program."""

ROW = "deception"
REASON = "added"
SCRIPT = r"""mkdir -p /tmp/jail/usr/local/bin /tmp/jail/tmp; cp /attack/payload.bin /tmp/jail/usr/local/bin/tool; chmod 755 /tmp/jail/usr/local/bin/tool; chroot /tmp/jail /usr/local/bin/tool $TAG; mv /tmp/jail/tmp/RAN-$TAG /tmp/"""
