#!/bin/sh
# Names that are not text: every command shows what a terminal and a parser take. Paths, tensors, machines and tables have them. TFLite
# names with ASCII controls are refused before.
. "$(dirname "$0")/common.sh"
esc=$(printf '\033') bad=$(printf '\377') c1=$(printf '\302\233') line='
'
odd="a${esc}[31m${bad}\",${c1}${line}é"
hostile="; touch PWNED; \$(touch PWNED) \`touch PWNED\` \$(shell touch PWNED) | & ' -x"
mkdir "$tmp/$odd" "$tmp/$odd$hostile"
LC_ALL=C sed "s/stem/${bad}${c1}\"/g" "$model" >"$tmp/$odd/$odd.tflite"
cp spec/machines/tiny.yaml "$tmp/$odd/$odd.yaml"
cp spec/energy/cmos45.yaml "$tmp/$odd/$odd,e.yaml"

# is_text FILE: UTF-8 without controls but the line end.
is_text() {
    iconv -f utf-8 -t utf-8 "$1" >/dev/null 2>&1 || fail "$1 is not UTF-8: $(od -c "$1" | head -n 20)"
    tr -d '\n\t' <"$1" | LC_ALL=C grep -q "[[:cntrl:]]" && fail "$1 has control characters"
    LC_ALL=C grep -q "$c1" "$1" && fail "$1 has C1 controls"
}

# shows COMMAND...: exits 0, and what it prints is text that shows the names.
shows() {
    accepts "$@"
    is_text "$tmp/.out"
    has "$tmp/.out" '\x'
}

file=$tmp/$odd/$odd.tflite machine=$tmp/$odd/$odd.yaml energy=$tmp/$odd/$odd,e.yaml
built --random 1 --machine "$machine"
shows "$qmac" info "$file"
shows "$qmac" run "$file" --machine "$machine" --energy "$energy" --json "$tmp/r.json"
shows "$qmac" compile "$file" --machine "$machine" -o "$tmp/$odd/p"
for pass in read legalize narrow tile synchronize emit; do
    shows "$qmac" compile "$file" --machine "$machine" -o "$tmp/$odd/p" --layers --dump-after $pass
done
shows "$qmac" info "$tmp/$odd/p"
shows "$qmac" disasm "$tmp/$odd/p"
shows "$qmac" explore "$file" --machine "$machine" --energy "$energy" --rows 4,8 --csv "$tmp/p.csv" --json "$tmp/p.json"
shows "$qmac" verify "$file" --machine "$machine"
shows "$qmac" verify --random 1 --machine "$machine" --corpus "$tmp/$odd/corpus"
for name in r.json p.json p.csv; do
    is_text "$tmp/$name"
    has "$tmp/$name" 'x1b[31m'
done
has "$tmp/r.json" '"name":	"\\xff\\xc2\\x9b\""'
[ "$(wc -l <"$tmp/p.csv")" = 3 ] || fail "a point of the CSV is not one line"
has "$tmp/p.csv" '""'
for command in run info disasm verify; do
    refuses 2 '\x1b[31m\xff",\xc2\x9b\x0aé' "$qmac" $command "$tmp/$odd"
    is_text "$tmp/.err"
done

# Nothing of a name is a command, wherever a file or a folder is named.
folder="$tmp/$odd$hostile"
cp "$model" "$folder/$hostile.tflite"
cp spec/machines/tiny.yaml "$folder/$hostile.yaml"
cp spec/energy/cmos45.yaml "$folder/$hostile.e.yaml"
cp tests/programs/copy.prog "$folder/$hostile.prog"
npy "$folder/$hostile.npy" '|i1' '1, 8, 8, 1' 64
npy "$folder/$hostile.labels.npy" '|u1' '1,' 1
file="$folder/$hostile.tflite" machine="$folder/$hostile.yaml"
accepts "$qmac" run "$file" --machine "$machine" --energy "$folder/$hostile.e.yaml" --input "$folder/$hostile.npy" \
    --labels "$folder/$hostile.labels.npy" --output "$folder/out" --json "$folder/$hostile.json"
accepts "$qmac" compile "$file" -o "$folder/$hostile.qmac"
accepts "$qmac" disasm "$folder/$hostile.qmac"
accepts "$qmac" info "$folder/$hostile.qmac"
accepts "$qmac" explore "$file" --rows 4,8 --csv "$folder/$hostile.csv" --json "$folder/$hostile.json"
built --random 1 --machine "$machine"
accepts "$qmac" verify --random 1 --machine "$machine" --corpus "$folder/corpus" --shrink "$folder/small$hostile.prog" \
    --waves "$folder/waves" --json "$folder/$hostile.json"
has "$folder/$hostile.json" '"result":	"equal"'
is_text "$folder/$hostile.json"
accepts "$qmac" verify "$folder/$hostile.prog" --waves "$folder/waves"
QMAC_HOME=$folder refuses 2 "spec" "$qmac" run "$file" --machine edge
[ -z "$(find . "$tmp" -maxdepth 3 -name 'PWNED*')" ] || fail "a part of a name was run"
finish
