"""A bind mount of drift over an excepted path."""

ROW = "deception"
REASON = "added"
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r"""mkdir -p /opt/plugins; cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; >/opt/plugins/evil; mount -o bind /tmp/evil /opt/plugins/evil; /opt/plugins/evil $TAG"""
