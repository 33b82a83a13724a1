"""Python, Node and Perl programs of the image, and the just-in-time compilers of V8 and LuaJIT."""

from harness import debian

ROW = "ordinary work"
IMAGE = debian.image
SILENT = True
SCRIPT = r"""set -e
/opt/work.py; python3 /opt/work.py; python3 -m json.tool </dev/null || true; python3 -c 'import ssl, sqlite3, hashlib' || true
node /opt/work.js
luajit /opt/work.lua
echo 'import os; os.system("true")' >/tmp/job.py; python3 /tmp/job.py
echo RAN"""
