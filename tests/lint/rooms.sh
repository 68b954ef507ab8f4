#!/bin/sh
# rooms.sh - the walls: which folders each room may include. What is not listed here is a wall. tools/ and tests/ see all. Within sim, the
# core sees neither device nor DRAM; memory and streams of text are made in common/memory.c alone. No files of the library call each other
# in a circle, by the symbols of their objects in build/, which are made before.
set -u
status=0
# report RULE FOUND: the lines found break the rule.
report() {
    [ -z "$2" ] && return
    printf '%s:\n%s\n' "$1" "$2"
    status=1
}
# allow ROOM WHAT: the includes of the room's files, and of folders below it that have no line of their own.
allow() {
    below=$(find "$1" -mindepth 1 -type d | while read -r folder; do
        grep -q "^allow $folder " "$0" && printf ' -not -path %s/*' "$folder"
    done)
    # shellcheck disable=SC2086
    report "$1 may include only $2" "$(set -f; find "$1" -name '*.[ch]' $below -o -name '*.cpp' $below |
        xargs grep -nE '^#include "[a-z]+/' | grep -vE "#include \"(spec/|$1/[a-z0-9_]+\.(h|def)|$2)")"
}
allow common                   'common/'
allow common/opcode            'common/[a-z_]+\.h'
allow evaluate                 'common/'
allow infer                    'common/|evaluate/(evaluate|kernels)\.h'
allow quantize                 'common/'
allow quantize/onnx            'common/'
allow quantize/network         'common/|evaluate/evaluate\.h|infer/infer\.h|quantize/[a-z]+\.h'
allow compiler                 'common/|compiler/(ir|passes|frontend)/'
allow compiler/ir              'common/|compiler/compiler\.h'
allow evaluate/kernels         'common/|evaluate/(evaluate|kernels)\.h'
allow compiler/passes          'common/|evaluate/kernels\.h|compiler/(ir|compiler\.h)|sim/(control/sizes|timing/timing)\.h'
allow compiler/passes/integers 'common/|evaluate/|compiler/(ir|compiler\.h)'
allow compiler/passes/reals    'common/|compiler/compiler\.h'
allow compiler/frontend/onnx   'common/|evaluate/|compiler/(ir|frontend)/'
allow compiler/frontend/shapes 'common/|compiler/frontend/'
allow compiler/frontend/tflite 'common/|evaluate/|compiler/(ir|frontend)/'
allow sim                      'common/'
allow sim/control              'common/'
allow sim/functional           'common/|sim/device\.h|sim/control/|sim/functional/fast/'
allow sim/functional/fast      'common/|sim/functional/[a-z_]+\.h'
allow sim/cycle                'common/|sim/(device|probe)\.h|sim/(control|functional|memory)/'
allow sim/timing               'common/|sim/device\.h|sim/control/'
allow sim/memory               'common/|sim/device\.h'
allow sim/verilated            'common/|sim/(device|probe)\.h|sim/memory/|sim/functional/commit\.h'
allow sim/systemc              'common/|sim/device\.h'
allow sim/lockstep             'common/|sim/(device|probe)\.h'
allow driver                   'common/|evaluate/|sim/device\.h'
allow report                   'common/'
allow verify       'common/|compiler/compiler\.h|verify/draw/|report/|sim/(device|probe)\.h|sim/(control|lockstep|verilated)/'
allow verify/draw             'common/'
allow explore                  'common/|compiler/|sim/timing/timing\.h|report/'
allow explain                  'common/|explore/explore\.h|report/'
report 'the plain definition of values sees no fast form of itself' "$(grep -n '^#include "sim/functional/fast/' sim/functional/*.[ch] |
    grep -v '^sim/functional/device\.c:')"
report 'that a memory is the DRAM is known to who creates it only' "$(grep -rn '^#include "sim/memory/dram\.h"' sim |
    grep -vE '^sim/(memory/dram|cycle/device|verilated/rtl_device)\.c:')"
report 'the core sees neither its device nor who watches it' "$(
    grep -nE '^#include "sim/(device|probe|cycle/(engine|probe))\.h"' sim/cycle/* | grep -vE '^sim/cycle/(engine|device|probe)\.')"
library=$(sed -n 's/^ROOMS := //p' Makefile)
# shellcheck disable=SC2086
report 'memory is asked for by common/memory.h only' "$(grep -rnE '(^|[^a-z_])(m|c|re|aligned_)alloc\(|open_memstream\(' \
    $library tools --include='*.c' --include='*.h' | grep -v '^common/memory\.')"
# shellcheck disable=SC2086
report 'no files call each other in a circle' "$({ git ls-files $library |
    sed -n 's|\(.*\)\.c$|build/obj/\1.o|p' | xargs nm -A | awk '
        { sub(/:.*/, "", $1) }
        $2 == "U" { users[$3] = users[$3] " " $1 }
        $2 ~ /^[TDBR]$/ { home[$3] = $1 }
        END { for (name in home) for (i = split(users[name], user, " "); i > 0; i--) print user[i], home[name] }
    ' | tsort > /dev/null; } 2>&1)"
exit $status
