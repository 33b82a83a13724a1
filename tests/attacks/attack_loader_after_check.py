"""A process that only asks whether a dynamic program may run (AT_EXECVE_CHECK), then executes the loader."""

ROW = "loader"
PREVENT = ("killed loader",)  # the gate takes the loader for the program's interpreter: the net sees what runs in the end
DETECT = ("told loader",)
SCRIPT = r"""/attack/checkfirst /usr/local/bin/dynamic /lib/ld-glibc.so /attack/lingering-dynamic.bin $TAG"""
