"""A program unpacked from an archive, as a package manager does."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""mkdir -p /tmp/pack/opt; cp /attack/payload.bin /tmp/pack/opt/evil; chmod 755 /tmp/pack/opt/evil; tar -C /tmp/pack -cf /tmp/pack.tar opt; tar -C / -xf /tmp/pack.tar; /opt/evil $TAG"""
