"""Another program of the image, copied to the place of an excepted parent."""

ROW = "deception"
REASON = "added"
POLICY = """[Drift]
Mode=%MODE%
[Allow updater]
Path=/tmp/*
Parent=/attack/execloop
"""
SCRIPT = r"""cp /attack/payload.bin /tmp/$TAG; chmod 755 /tmp/$TAG
rm /attack/execloop; cp /attack/exectime /attack/execloop; /attack/execloop 1 /tmp/$TAG; :"""
