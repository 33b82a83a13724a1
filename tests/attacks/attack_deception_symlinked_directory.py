"""A path that looks like an excepted one: its directory is a link."""

ROW = "deception"
REASON = "added"
SCRIPT = r"""mkdir -p /opt/other; ln -s other /opt/plugins; cp /attack/payload.bin /opt/other/evil; chmod 755 /opt/other/evil; /opt/plugins/evil $TAG"""
