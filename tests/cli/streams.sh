#!/bin/bash
# What is not a file: each input through a pipe is the same as from a file; a FIFO, a device, a folder is refused at once. Bash, for <(...).
. "$(dirname "$0")/common.sh"

accepts "$qmac" compile "$model" -o "$tmp/net.qmac"
npy "$tmp/x.npy" '|i1' '1, 8, 8, 1' 64
npy "$tmp/labels.npy" '|i1' '1,' 1
accepts "$qmac" run "$model" --input "$tmp/x.npy"
sed -n '/total/,$p' "$tmp/.out" >"$tmp/want"
same() {
    accepts "$@"
    sed -n '/total/,$p' "$tmp/.out" | cmp -s - "$tmp/want" || fail "a pipe gives something else: $*"
}
same "$qmac" run <(cat "$model") --input <(cat "$tmp/x.npy") --machine edge
same "$qmac" run <(cat "$tmp/net.qmac") --input "$tmp/x.npy"
same "$qmac" run /dev/stdin --input "$tmp/x.npy" < <(cat "$model")
accepts "$qmac" info <(cat workloads/digits/digits_w4a8.onnx)
accepts "$qmac" disasm <(cat "$tmp/net.qmac")
accepts "$qmac" explore <(cat "$model") --rows 8

mkfifo "$tmp/fifo" "$tmp/fifo.yaml" "$tmp/fifo.prog"
never="timeout 5 $qmac"
# shellcheck disable=SC2086
for words in "run $tmp/fifo" "info $tmp/fifo" "disasm $tmp/fifo" "explore $tmp/fifo" "compile $tmp/fifo -o $tmp/p" "verify $tmp/fifo" \
    "verify $tmp/fifo.prog" "run $model --machine $tmp/fifo.yaml" "run $model --energy $tmp/fifo.yaml" "run $model --input $tmp/fifo" \
    "run $model --input $tmp/x.npy --labels $tmp/fifo"; do
    refuses 2 "to which nobody writes" $never $words
done
mkdir "$tmp/corpus" && mkfifo "$tmp/corpus/state"
refuses 2 "to which nobody writes" $never verify --random 1 --machine tiny --corpus "$tmp/corpus"
refuses 2 "is a device" $never run /dev/zero
refuses 2 "is a device" $never run "$model" --input /dev/zero
refuses 2 "longer than" $never run "$model" --energy <(yes "k: 1")
finish
