#!/bin/sh
# rooms.sh - the rooms' walls: spec <- common <- {compiler, driver, sim}; compiler and sim never include each other; only tools and tests see all; memory and streams of text are made in common/memory.c alone.
set -u
status=0
forbid() { # room, what it must not include
    found=$(grep -rnE "#include \"($2)/" "$1" --include='*.c' --include='*.h' --include='*.cpp')
    [ -z "$found" ] && return
    printf '%s must not include %s:\n%s\n' "$1" "$2" "$found"
    status=1
}
forbid common   'compiler|driver|sim|tools|tests'
forbid compiler 'driver|sim|tools|tests'
forbid sim      'compiler|tools|tests'
forbid driver   'compiler|tools|tests'
found=$(grep -rnE '(^|[^a-z_])(m|c|re|aligned_)alloc\(|open_memstream\(' common compiler sim driver tools --include='*.c' --include='*.h' | grep -v '^common/memory\.')
if [ -n "$found" ]; then
    printf 'memory is asked for by common/memory.h only:\n%s\n' "$found"
    status=1
fi
exit $status
