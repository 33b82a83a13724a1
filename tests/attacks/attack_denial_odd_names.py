"""A name with newlines, escapes and invalid UTF-8."""

ROW = "verdict denial of service"
REASON = "added"
SCRIPT = r"""n=$(printf "/tmp/e\\nvil\\033[31m\\377"); cp /attack/payload.bin "$n"; chmod 755 "$n"; "$n" $TAG"""
