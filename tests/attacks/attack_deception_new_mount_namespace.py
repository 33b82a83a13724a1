"""Drift executed in a mount namespace of its own, behind a pivoted root."""

ROW = "deception"
REASON = "added"
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r"""cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; unshare -m /tmp/evil $TAG"""
