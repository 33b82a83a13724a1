"""A process that has given itself the name of an excepted parent."""

ROW = "deception"
REASON = "added"
POLICY = """[Drift]
Mode=%MODE%
[Allow updater]
Path=/tmp/*
Parent=/attack/execloop
"""
SCRIPT = r"""cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; echo execloop >/proc/$$/comm; /tmp/evil $TAG; :"""
