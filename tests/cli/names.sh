#!/bin/sh
# Names that are not text: every command shows what a terminal and a parser take. Paths, tensors, machines and tables have them. TFLite names with
# ASCII controls are refused before.
. "$(dirname "$0")/common.sh"
esc=$(printf '\033') bad=$(printf '\377') c1=$(printf '\302\233') line='
'
odd="a${esc}[31m${bad}\",${c1}${line}é"
mkdir "$tmp/$odd"
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
finish
