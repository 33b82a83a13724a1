"""A path that looks like an excepted one: a symbolic link."""

ROW = "deception"
REASON = "added"
SCRIPT = r"""mkdir -p /opt/plugins; cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; ln -s /tmp/evil /opt/plugins/evil; /opt/plugins/evil $TAG"""
