"""An interpreter's one-liner."""

ROW = "interpreters"
STATED = "an interpreter reads it as data: the program that runs is the interpreter, which is image code"
SCRIPT = r"""awk 'BEGIN { print "" >"/tmp/RAN-'$TAG'" }'"""
