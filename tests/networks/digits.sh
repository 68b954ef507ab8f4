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

# Rows of the table, from files or stdin, without how many pictures are right.
without_right() {
    sed 's/[0-9]* of 360, [0-9.]* %/N of 360/' "$@"
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
# The float network, and what is made of it. Sums of floats differ a little between processors, and so may the integers that are learned: of
# those rows the pictures that are right need only be nearly as many.
right=$(build/qmac run $folder/digits_float32.tflite --engine float --input $folder/test_float32.npy --labels $folder/test_labels.npy |
    sed -n 's/^accuracy .*(\([0-9]*\) of .*/\1/p')
same "float right" "$right" "$(expected float right)"
workloads/digits/precisions.sh >"$work/table.md" || exit 1
while read -r row; do
    case $row in
    *quantize*)
        right=$(echo "$row" | sed 's/.*| \([0-9]*\) of 360.*/\1/')
        least=$(expected quantized least_right)
        [ "$right" -ge "$least" ] || same "right by qmac quantize" "$right" "$least or more"
        without_right README.md | grep -qxF -- "$(echo "$row" | without_right)"
        ;;
    *) grep -qxF -- "$row" README.md ;;
    esac && continue
    echo "README.md has not the row that precisions.sh prints: $row"
    status=1
done <"$work/table.md"
exit $status
