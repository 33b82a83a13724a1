"""The container's first act is the attack."""

ROW = "race: start"
REASON = "added"
WHEN = "first"
SCRIPT = r"""exec /drift/payload $TAG"""
