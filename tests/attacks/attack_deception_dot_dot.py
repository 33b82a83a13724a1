"""A path that looks like an excepted one: dot dot."""

ROW = "deception"
REASON = "added"
SCRIPT = r"""mkdir -p /opt/plugins /opt/other; cp /attack/payload.bin /opt/other/evil; chmod 755 /opt/other/evil; /opt/plugins/../other/evil $TAG"""
