"""A path of 4000 characters."""

ROW = "verdict denial of service"
REASON = "added"
SCRIPT = r"""cd /tmp; n=$(printf "d%.0s" $(seq 200)); for i in $(seq 19); do mkdir $n; cd $n; done; cp /attack/payload.bin x; chmod 755 x; ./x $TAG"""
