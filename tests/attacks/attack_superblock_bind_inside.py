"""A bind mount made inside."""

ROW = "other superblocks"
REASON = "added"
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r"""mkdir /tmp/m /tmp/d; cp /attack/linger.bin /tmp/d/evil; chmod 755 /tmp/d/evil; mount -o bind /tmp/d /tmp/m; /tmp/m/evil $TAG"""
