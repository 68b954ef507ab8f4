#!/bin/sh
# digits.sh - the shipped networks against their own record, workloads/digits/expected.yaml: bytes of all held-back outputs, accuracy on
# both sets, cycles and energy of an example on edge.
set -u
folder=workloads/digits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# expected SECTION KEY
expected() {
    awk -v section="$1:" -v key="$2:" '/^[a-z]/ { inside = $1 == section } inside && $1 == key { print $2 }' $folder/expected.yaml
}

same() { # what, got, want
    [ -n "$3" ] && [ "$2" = "$3" ] && return
    echo "$1: got '$2', expected.yaml says '$3'"
    status=1
}

run() { # pictures, labels, section
    build/qmac run $folder/digits_int8.tflite --machine edge --input "$folder/$1" --labels "$folder/$2" --output "$work/$3" \
        --json "$work/$3.json" >"$work/$3.txt" || exit 1
    same "$3 right" "$(sed -n 's/^accuracy .*(\([0-9]*\) of .*/\1/p' "$work/$3.txt")" "$(expected "$3" right)"
}

run test_pictures.npy test_labels.npy held_back
run pictures.npy labels.npy all
cmp "$work/held_back/probabilities.npy" $folder/expected_output.npy || status=1
same cycles "$(sed -n 's/^\t"cycles":\t\([0-9]*\),/\1/p' "$work/all.json")" "$(expected edge cycles)"
same energy "$(sed -n 's/^\t\t"nominal":\t\([0-9]*\).*/\1/p' "$work/all.json")" "$(expected edge energy_pj)"

for precision in w4a8 w4a4; do
    build/qmac run $folder/digits_$precision.onnx --machine edge --input $folder/test_pictures.npy \
        --output "$work/$precision" >"$work/$precision.txt" || exit 1
    cmp "$work/$precision/scores.npy" $folder/expected_output_$precision.npy || status=1
done
workloads/digits/precisions.sh >"$work/table.md" || exit 1
while read -r row; do
    grep -qxF -- "$row" README.md && continue
    echo "README.md has not the row that precisions.sh prints: $row"
    status=1
done <"$work/table.md"
exit $status
