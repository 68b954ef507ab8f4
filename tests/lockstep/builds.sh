#!/bin/bash
# builds.sh CASE... - what verify says is of the Verilog that is there now, whatever its times, its path and the history of the folder of
# builds. Each case has its own folder for everything; a case fails by saying so.
set -u
cd "$(dirname "$0")/../.." || exit 2
root=$PWD
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
failed=0
wrong() {
    echo "builds.sh: $*"
    failed=1
}

# A fault that the first random programs show: the unit for stores looks idle while it waits for a response.
break_store() {
    sed -i 's/assign busy_o        = state_q != IDLE;/assign busy_o        = state_q == DATA;/' "$1/store.v"
    cmp -s rtl/store.v "$1/store.v" && { echo "builds.sh: nothing is broken in $1"; exit 2; }
}

# verified STATUS WORDS OPTION...: 20 random programs on the smallest machine.
verified() {
    want=$1 words=$2
    shift 2
    "${qmac:-$root/build/qmac}" verify --random 20 --seed 3 --machine one --waves "$work/waves" "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ $status = "$want" ] || wrong "status $status, not $want: $*: $(tail -n 1 "$work/err")"
    cat "$work/out" "$work/err" | grep -qF -- "$words" || wrong "nothing says '$words': $*: $(cat "$work/out" "$work/err")"
}

# How many builds are in a folder; and what tells one from another.
builds() {
    find "$1" -name librtl.so | wc -l
}
identity() {
    find "$1" -name librtl.so -printf '%i %C@\n'
}

same="no difference" differ="differ"

# Verilog that is moved in with the times of last week.
case_times() {
    cp -r rtl "$work/good"
    cp -r rtl "$work/broken"
    break_store "$work/broken"
    find "$work/broken" -exec touch -d '7 days ago' {} +
    mkdir "$work/at"
    mv "$work/good" "$work/at/rtl"
    verified 0 "$same" --rtl "$work/at/rtl"
    mv "$work/at/rtl" "$work/good"
    mv "$work/broken" "$work/at/rtl"
    verified 1 "$differ" --rtl "$work/at/rtl"
    rm -r "$work/at/rtl"
    mv "$work/good" "$work/at/rtl"
    verified 0 "$same" --rtl "$work/at/rtl"
}

# A header of the user's own, inside the folder and outside of it, and one that is found in place of another.
case_headers() {
    mkdir "$work/mine"
    cp -r rtl "$work/mine/rtl"
    sed -i -e 's/`include "qmac_defs.vh"/`include "qmac_defs.vh"\n`include "..\/outside.vh"/' \
        -e 's/state_q != IDLE;/`MY_BUSY;/' "$work/mine/rtl/store.v"
    echo '`define MY_BUSY state_q != IDLE' >"$work/mine/outside.vh"
    verified 0 "$same" --rtl "$work/mine/rtl"
    echo '`define MY_BUSY state_q == DATA' >"$work/mine/outside.vh"
    verified 1 "$differ" --rtl "$work/mine/rtl"
    sed -i 's/"..\/outside.vh"/"inside.vh"/' "$work/mine/rtl/store.v"
    echo '`define MY_BUSY state_q != IDLE' >"$work/mine/rtl/lib/inside.vh"
    verified 0 "$same" --rtl "$work/mine/rtl"
    echo '`define MY_BUSY state_q == DATA' >"$work/mine/rtl/inside.vh"
    verified 1 "$differ" --rtl "$work/mine/rtl"
}

# A copy of the whole tree uses its own Verilog, and refuses a spec/ that it was not built from.
case_copy() {
    mkdir "$work/tree"
    cp -a rtl spec sim common workloads "$work/tree"
    mkdir "$work/tree/build"
    cp -a build/qmac build/libqmac-systemc.so "$work/tree/build"
    qmac=$work/tree/build/qmac
    break_store "$work/tree/rtl"
    find "$work/tree/rtl" -exec touch -d '7 days ago' {} +
    verified 1 "$differ"
    cp rtl/store.v "$work/tree/rtl/store.v"
    sed -i '0,/QM_COUNTER(/s//QM_COUNTER( /' "$work/tree/spec/counters.def"
    touch -d '7 days ago' "$work/tree/spec/counters.def"
    verified 2 "spec/counters.def: is not the file that this program was built from"
    qmac=
}

# A path is one whole argument, whatever is in it: nothing of it is a command, and it works.
case_paths() {
    name=$'-dash; touch PWNED; $(touch PWNED) `touch PWNED` $(shell touch PWNED)\n&& touch PWNED | "quotes\' #%1 \\ *? \xc3\xa4 \xff'
    cd "$work" || exit 2
    cp -r "$root/rtl" "./$name"
    echo "// so that it is built" >>"./$name/store.v"
    export QMAC_CACHE="$work/cache of $name"
    verified 0 "$same" --rtl "./$name"
    unset QMAC_CACHE
    [ -z "$(find . "$root" -maxdepth 2 -name 'PWNED*')" ] || wrong "a path was run as a command"
    cd "$root" || exit 2
}

# A build that was killed, and one that ran out of disk.
case_interrupted() {
    export QMAC_CACHE=$work/cache
    timeout -s KILL 2 build/qmac verify --random 1 --machine one >/dev/null 2>&1
    verified 0 "$same"
    [ -z "$(find "$work/cache" -name 'new-*')" ] || wrong "a killed build is left"
    rm -r "$work/cache"
    (ulimit -f 64; verified 3 "File size limit exceeded (building the RTL of machine one)"; exit $failed) || failed=1
    [ -z "$(find "$work/cache" -name 'new-*' -o -name 'librtl.so')" ] || wrong "a build that failed is left"
    verified 0 "$same"
    unset QMAC_CACHE
}

# An error in the Verilog has its place, also in a header elsewhere; what the tools say at their end is no message.
case_errors() {
    cp -r rtl "$work/bad"
    echo 'endmodule endmodule' >>"$work/bad/store.v"
    verified 2 "$work/bad/store.v:" --rtl "$work/bad"
    cp -r rtl "$work/user"
    echo 'endmodule endmodule' >"$work/user_header.vh"
    sed -i "s|\`include \"qmac_defs.vh\"|\`include \"qmac_defs.vh\"\n\`include \"$work/user_header.vh\"|" "$work/user/store.v"
    verified 2 "$work/user_header.vh:1:" --rtl "$work/user"
    mkfifo "$work/bad/pipe.v"
    verified 2 "pipe.v: is not a regular file" --rtl "$work/bad"
}

# Files that the user's group may write are nobody's business but the umask's: builds are readable by all and writable by the user alone.
case_umask() {
    export QMAC_CACHE=$work/cache
    (umask 002; verified 0 "$same"; exit $failed) || failed=1
    first=$(identity "$work/cache")
    (umask 002; verified 0 "$same"; exit $failed) || failed=1
    [ "$(identity "$work/cache")" = "$first" ] || wrong "it was built twice"
    [ -z "$(find "$work/cache" -perm /022)" ] || wrong "others may write: $(find "$work/cache" -perm /022)"
    unset QMAC_CACHE
}

# A build that is damaged is built again: a list that was cut, the library of another build, bytes that changed, an object of Verilator's.
case_damaged() {
    export QMAC_CACHE=$work/cache
    cp -r rtl "$work/broken"
    break_store "$work/broken"
    verified 0 "$same"
    good=$(dirname "$(find "$work/cache" -name librtl.so)")
    verified 1 "$differ" --rtl "$work/broken"
    cp "$good/librtl.so" "$work/good.so"
    for bad in $(find "$work/cache" -name librtl.so); do cmp -s "$bad" "$work/good.so" || cp "$work/good.so" "$bad"; done
    verified 1 "$differ" --rtl "$work/broken"
    for list in "$work"/cache/*/*/files; do head -n 6 "$list" >"$work/cut" && cp "$work/cut" "$list"; done
    verified 1 "$differ" --rtl "$work/broken"
    for object in "$work"/cache/runtime-*.o; do truncate -s 5000 "$object"; done
    rm -r "$good"
    verified 0 "$same"
    truncate -s 5000 "$good/librtl.so"
    verified 0 "$same"
    unset QMAC_CACHE
}

# Verilog that ends the simulation, or prints, is not a comparison, and never a success.
case_ends() {
    for end in '$finish' '$stop' '$fatal(1, "gone")'; do
        rm -rf "$work/ends"
        cp -r rtl "$work/ends"
        sed -i "s/^endmodule/    always @(posedge clk_i) if (busy_o) begin \$display(\"no difference \\033[31m\"); $end; end\nendmodule/" \
            "$work/ends/store.v"
        verified 2 "the Verilog ended the simulation" --rtl "$work/ends"
        "$root/build/qmac" verify "$root/tests/programs/load_store.prog" --rtl "$work/ends" >"$work/out" 2>"$work/err"
        [ $? = 2 ] || wrong "$end in a program test: $(cat "$work/out" "$work/err")"
        [ -s "$work/out" ] && wrong "what the Verilog prints is among the results: $(cat "$work/out")"
        grep -q "$(printf '\033')" "$work/err" && wrong "an escape sequence of the Verilog reaches the terminal"
    done
}

# Standard streams that are closed change nothing in what is built.
case_streams() {
    export QMAC_CACHE=$work/cache
    verified 0 "$same"
    first=$(identity "$work/cache")
    (exec >&- 2>&-; "$root/build/qmac" verify --random 1 --machine one)
    [ $? = 2 ] || wrong "a closed stdout is no error"
    [ "$(identity "$work/cache")" = "$first" ] || wrong "it was built again with closed streams"
    unset QMAC_CACHE
}

# What somebody else may have written is not loaded.
case_owner() {
    export QMAC_CACHE=$work/cache
    verified 0 "$same"
    library=$(find "$work/cache" -name librtl.so)
    [ "$(stat -c %a "$(dirname "$library")")" = 755 ] || wrong "the folder is $(stat -c %a "$(dirname "$library")"), not 755"
    echo damaged >"$library"
    chmod 666 "$library"
    verified 0 "$same"
    grep -q damaged "$library" && wrong "a damaged library that others may write is left"
    chmod 777 "$work/cache"
    verified 2 "somebody else may write there"
    unset QMAC_CACHE
}

# A tree that cannot be written: what it has is used, and new machines are built in the user's folder. Root may write everywhere, so it acts
# as somebody else.
case_read_only() {
    mkdir -p "$work/tree/build" "$work/home"
    cp -a rtl spec sim "$work/tree"
    cp -a build/qmac "$work/tree/build"
    qmac=$work/tree/build/qmac
    verified 0 "$same"
    [ "$(builds "$work/tree")" = 1 ] || wrong "the machine is not in the tree"
    chmod 755 "$work"
    chmod -R a+rX,a-w "$work/tree"
    as="env"
    [ "$(id -u)" = 0 ] && as="setpriv --reuid=65534 --regid=65534 --clear-groups" && chown 65534 "$work/home"
    HOME=$work/home XDG_CACHE_HOME= $as "$qmac" verify --random 20 --machine one >"$work/out" 2>"$work/err" || wrong "$(cat "$work/err")"
    [ "$(builds "$work/home")" = 0 ] || wrong "a machine that the tree has was built again"
    HOME=$work/home XDG_CACHE_HOME= $as "$qmac" verify --random 20 --machine one --set queue_depth=4 >"$work/out" 2>&1 \
        || wrong "$(cat "$work/out")"
    [ -n "$(find "$work/home/.cache/qmac" -name librtl.so)" ] || wrong "the machine is not in the user's folder"
    qmac=
}

for name in "$@"; do
    rm -rf "${work:?}"/*
    "case_$name"
done
exit $failed
