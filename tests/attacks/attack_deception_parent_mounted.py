"""Another program of the image, bind-mounted over an excepted parent."""

ROW = "deception"
REASON = "added"
CAPABILITIES = ["CAP_SYS_ADMIN"]
POLICY = """[Drift]
Mode=%MODE%
[Allow updater]
Path=/tmp/*
Parent=/attack/execloop
"""
SCRIPT = r"""cp /attack/payload.bin /tmp/$TAG; chmod 755 /tmp/$TAG
mount -o bind /attack/exectime /attack/execloop; /attack/execloop 1 /tmp/$TAG; :"""
