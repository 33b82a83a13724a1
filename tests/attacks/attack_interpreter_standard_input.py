"""A script on standard input."""

ROW = "interpreters"
STATED = "an interpreter reads it as data: the program that runs is the interpreter, which is image code"
SCRIPT = r"""echo '>/tmp/RAN-'$TAG | sh"""
