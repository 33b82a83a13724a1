"""An overlay mounted inside, with the image's own directory as a layer and a program replaced."""

ROW = "other superblocks"
PREVENT = ("denied added", "denied modified", "killed unmediated")
DETECT = ("told added", "told modified", "told unmediated")
CAPABILITIES = ["CAP_SYS_ADMIN"]
SCRIPT = r"""mkdir /tmp/m; mount -t tmpfs none /tmp/m; mkdir /tmp/m/u /tmp/m/w; mount -t overlay -o lowerdir=/usr/local/bin,upperdir=/tmp/m/u,workdir=/tmp/m/w none /usr/local/bin; cat /attack/linger.bin >/usr/local/bin/tool; /usr/local/bin/tool $TAG"""
