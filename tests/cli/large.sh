#!/bin/sh
# Files of tens of thousands of parts: each command ends in a fraction of the time that comparing all with all would take.
. "$(dirname "$0")/common.sh"
soon="timeout 5 $qmac"

i=0
while [ $i -lt 60000 ]; do
    printf 'k%d: 1\n' $i
    i=$((i + 1))
done >"$tmp/keys.yaml"
# shellcheck disable=SC2086
{
    refuses 2 "keys.yaml:1: unknown knob 'k0'" $soon run "$model" --machine "$tmp/keys.yaml"
    refuses 2 "keys.yaml:" $soon run "$model" --energy "$tmp/keys.yaml"
}
finish
