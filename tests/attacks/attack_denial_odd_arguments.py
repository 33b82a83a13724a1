"""Arguments with newlines, escapes, invalid UTF-8 and a megabyte of length."""

ROW = "verdict denial of service"
REASON = "added"
SCRIPT = r"""cp /attack/payload.bin /tmp/evil; chmod 755 /tmp/evil; b=$(printf "%0100000d" 0); /tmp/evil "$(printf "a\\nb\\377")" $b $b $b $b $TAG"""
