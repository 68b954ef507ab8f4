#!/bin/sh
# cases.sh FOLDER... - files that real tools wrote, in QMAC_CASES/FOLDER/NAME, judged as tests/networks/cases.txt says, which has all.
#
# A line of the table:
#   FOLDER/NAME equal              the outputs for x0.npy, x1.npy, ... are y0.npy, y1.npy, ..., to the byte; where index.tsv gives scales,
#                                  in steps of these (compare_npy). Without y0.npy the only output is expected_onnxruntime.npy
#   FOLDER/NAME ties N             the same, but for N elements, one step off where the expected ones were rounded in float32
#   FOLDER/NAME refused: TEXT      exit status 2, and one line that has the text; info ends like run
#   FOLDER/NAME runs: REASON       exit status 0; the reason says why there is nothing right to compare with
# Prints a line for every case that is not compared.
set -u
: "${QMAC_CASES:?names the folder of cases}"
table=tests/networks/cases.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

wrong() {
    echo "$case: $*"
    status=1
}

# The inputs of a case as options.
inputs() {
    [ ! -f "$1/x.npy" ] || printf -- '--input %s/x.npy ' "$1"
    i=0
    while [ -f "$1/x$i.npy" ]; do
        printf -- '--input %s/x%d.npy ' "$1" "$i"
        i=$((i + 1))
    done
}

# Field FIELD of the case in index.tsv, a list.
field() {
    awk -F '\t' -v name="${case#*/}" -v field="$2" '$1 == name { gsub(/[][,]/, " ", $field); print $field }' "${1%/*}/index.tsv"
}

# The outputs, named in index.tsv in their order, against y0.npy, y1.npy and so on, of whose elements so many may be ties.
compare() {
    i=0
    if [ ! -f "$1/y0.npy" ]; then
        cmp "$work"/out/*.npy "$1/expected_onnxruntime.npy" || wrong "the output is not expected_onnxruntime.npy"
        return
    fi
    scales=$(field "$1" 4)
    for name in $(field "$1" 3); do
        got=$work/out/$(printf '%s' "$name" | tr ':/' '__').npy
        if [ -n "$scales" ]; then
            build/compare_npy "$got" "$1/y$i.npy" "$(echo "$scales" | awk -v i=$((i + 1)) '{ print $i }')" "$2"
        else
            cmp "$got" "$1/y$i.npy"
        fi || wrong "output $i is not y$i.npy"
        i=$((i + 1))
    done
    [ "$i" -gt 0 ] || wrong "index.tsv names no outputs"
}

judge() { # folder of the case, what the table says, the model
    model=$3
    rm -rf "$work/out"
    # shellcheck disable=SC2046
    build/qmac run "$model" $(inputs "$1") --engine functional --output "$work/out" >/dev/null 2>"$work/message"
    run=$?
    build/qmac info "$model" >/dev/null 2>&1
    info=$?
    [ "$run" = "$info" ] || wrong "run ends with exit status $run, info with $info"
    case $2 in
    equal) if [ "$run" = 0 ]; then compare "$1" 0; else wrong "$(cat "$work/message")"; fi ;;
    "ties "*) if [ "$run" = 0 ]; then compare "$1" "${2#ties }"; else wrong "$(cat "$work/message")"; fi ;;
    "runs: "*) if [ "$run" = 0 ]; then echo "skipped $case: ${2#runs: }"; else wrong "$(cat "$work/message")"; fi ;;
    "refused: "*)
        [ "$run" = 2 ] && [ "$(wc -l <"$work/message")" = 1 ] || wrong "exit status $run, not 2 with one line"
        grep -qF -- "${2#refused: }" "$work/message" || wrong "$(cat "$work/message")"
        echo "skipped $case: $2"
        ;;
    *) wrong "the table does not say equal, ties, runs or refused" ;;
    esac
}

for folder in "$@"; do
    judged=0
    for path in "$QMAC_CASES/$folder"/*/; do
        path=${path%/} case=$folder/$(basename "$path") models=0
        said=$(sed -n "s|^$case ||p" $table)
        for model in "$path"/*.tflite "$path"/*.onnx; do
            [ -f "$model" ] || continue
            judge "$path" "$said" "$model"
            models=1
        done
        judged=$((judged + models))
    done
    rows=$(grep -c "^$folder/" $table) case=$folder
    [ "$judged" -ge "$rows" ] && [ "$rows" -gt 0 ] || wrong "has $judged cases with a model; the table has $rows"
done
exit $status
