"""sh ./script."""

ROW = "interpreters"
STATED = "an interpreter reads it as data: the program that runs is the interpreter, which is image code"
SCRIPT = r"""echo '>/tmp/RAN-'$TAG >/tmp/script; cd /tmp; sh ./script"""
