#!/bin/sh
# models.sh - every .tflite file of the data folder runs, or is refused for the reason that tests/networks/models.txt gives.
#
#   tests/networks/models.sh           prints the table, one line a file
# A line of models.txt: FILE runs | FILE refused: the beginning of what follows the file's name in the message.
set -u
: "${QMAC_DATA:?names the data folder}"
record=tests/networks/models.txt
status=0
table=$(mktemp)
trap 'rm -f "$table"' EXIT

for file in $(find "$QMAC_DATA" -name '*.tflite' | sort); do
    if message=$(build/qmac run "$file" --machine edge 2>&1 >/dev/null); then
        reason=runs
    else
        reason="refused: $(printf '%s\n' "$message" | sed 's/^qmac: [^:]*: //; s/;.*//; s/ (also .*//')"
    fi
    printf '%s %s\n' "${file#"$QMAC_DATA"/}" "$reason"
done >"$table"
cat "$table"
# The data folder grows: what it does not have yet is not asked for, and what the record does not have is a failure.
while read -r file rest; do
    [ -f "$QMAC_DATA/$file" ] && printf '%s %s\n' "$file" "$rest"
done <"$record" | diff - "$table" || status=1
exit $status
