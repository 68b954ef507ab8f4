# Sourced by the tests of the command line. Everything is made in $tmp, which is removed at the end; $qmac is the command.
set -u
cd "$(dirname "$0")/../.." || exit 2
qmac=$PWD/${QMAC:-build/qmac}
model=$PWD/workloads/digits/digits_int8.tflite
tmp=$(mktemp -d) || exit 2
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
failures=0

fail() {
    failures=$((failures + 1))
    printf '%s\n' "$*"
}

# accepts COMMAND...: exits 0 and prints nothing to stderr.
accepts() {
    "$@" >"$tmp/.out" 2>"$tmp/.err"
    status=$?
    [ $status = 0 ] || fail "status $status, not 0: $*"
    [ -s "$tmp/.err" ] && fail "stderr of: $*: $(cat "$tmp/.err")"
}

# refuses STATUS WORDS COMMAND...: exits with STATUS, prints nothing to stdout
# and one line to stderr that begins with "qmac: " and has WORDS.
refuses() {
    want=$1 words=$2
    shift 2
    "$@" >"$tmp/.out" 2>"$tmp/.err"
    status=$?
    [ $status = "$want" ] || fail "status $status, not $want: $*"
    [ -s "$tmp/.out" ] && fail "something on stdout: $*"
    [ "$(wc -l <"$tmp/.err")" = 1 ] || fail "not one line on stderr: $*: $(cat "$tmp/.err")"
    case $(cat "$tmp/.err") in
    "qmac: "*"$words"*) ;;
    *) fail "the line does not have '$words': $*: $(cat "$tmp/.err")" ;;
    esac
}

# has FILE WORDS: the file has the words.
has() {
    grep -qF -- "$2" "$1" || fail "$1 does not have '$2'"
}

# built OPTION...: verify has built the machine, and says nothing about it any more.
built() {
    "$qmac" verify "$@" >/dev/null 2>"$tmp/.err" || fail "cannot be built: $*: $(cat "$tmp/.err")"
}

finish() {
    [ $failures = 0 ]
    exit
}

# seal PROGRAM: its checksum becomes that of the bytes behind it.
seal() {
    for byte in $(tail -c +45 "$1" | sha256sum | cut -c 1-64 | sed 's/../ 0x&/g'); do
        printf "\\$(printf '%03o' "$byte")"
    done | dd of="$1" bs=1 seek=12 conv=notrunc 2>"$tmp/.err"
}

# npy FILE TYPE "SHAPE" BYTES: an array of zeros.
npy() {
    dict="{'descr': '$2', 'fortran_order': False, 'shape': ($3), }"
    length=$(printf '%s' "$dict" | wc -c)
    {
        printf '\223NUMPY\001\000'
        printf "\\$(printf '%03o' $((length % 256)))\\$(printf '%03o' $((length / 256)))"
        printf '%s' "$dict"
        head -c "$4" /dev/zero
    } >"$1"
}
