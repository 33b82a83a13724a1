# Sourced by tests/lint.sh and tests/sanitized.sh, which read the C++ libraries' headers precompiled.
libraries_of() { git grep -hE '^#include <((boost|fmt)/[^>]+|[a-z_]+)>$' -- "$@" | sort -u; } # libraries_of FOLDER…: what is included there
into() { cat >"$1.new" && { cmp -s "$1.new" "$1" || mv "$1.new" "$1"; }; } # into FILE, which keeps its age if it stays the same
