#!/bin/sh
# timing_faults.sh - plants the mistakes of timing_faults.txt in the timing engine, one at a time, and asks timing_equals_cycle, which must
# notice each. The programs begin at a seed with which they do: one program in some 24,000 shows the rarest mistake.
set -u
LDLIBS=$(sed -n 's/^LDLIBS := //p' Makefile)
folder=build/timing_faults
rm -rf "$folder"
mkdir -p "$folder"
failures=0 planted=0
while IFS='|' read -r file expression what; do
    case $file in '#'*) continue ;; esac
    planted=$((planted + 1))
    planted_file=$folder/${file##*/}
    sed "$expression" "$file" >"$planted_file"
    if cmp -s "$file" "$planted_file"; then
        echo "cannot be planted in $file any more: $what"
        failures=$((failures + 1))
        continue
    fi
    # shellcheck disable=SC2086
    ${CC:-cc} -std=gnu11 -O1 -rdynamic -I. -Ibuild/gen -o "$folder/program" "$planted_file" build/obj/tests/programs/timing_equals_cycle.o \
        build/libqmac.a $LDLIBS || exit 1
    timeout 60 "$folder/program" 2000 20000 >"$folder/out" 2>&1
    status=$?
    # 1: a difference; 134: an impossible state that the engine finds itself; 124: it does not end.
    case $status in
    1 | 124 | 134) continue ;;
    esac
    echo "not noticed (exit status $status): $what"
    failures=$((failures + 1))
done <tests/programs/timing_faults.txt
rm -rf "$folder"
echo "$planted mistakes planted, $failures not noticed"
[ $failures = 0 ]
