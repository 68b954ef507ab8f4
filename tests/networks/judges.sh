#!/bin/sh
# judges.sh - what compares networks with their references sees what is wrong: compare_npy and cases.sh on small files of its own.
. "$(dirname "$0")/../cli/common.sh"
nan='\000\000\300\177' one='\000\000\200\077' infinite='\000\000\200\177' tiny='\027\267\321\070' two='\000\000\000\100'

# array NAME TYPE "SHAPE" BYTES: an array of these elements, as printf writes them.
array() {
    npy "$tmp/$1.npy" "$2" "$3" 0
    # shellcheck disable=SC2059
    printf "$4" >>"$tmp/$1.npy"
}

same() {
    build/compare_npy "$tmp/$1.npy" "$tmp/$2.npy" "$3" "$4" 2>"$tmp/.err" || fail "$1 and $2 differ: $(cat "$tmp/.err")"
}

differ() {
    build/compare_npy "$tmp/$1.npy" "$tmp/$2.npy" "$3" "$4" 2>"$tmp/.err"
    status=$?
    [ $status = 1 ] && [ "$(wc -l <"$tmp/.err")" = 1 ] || fail "$1 and $2: status $status, not 1 with one line: $(cat "$tmp/.err")"
}

# What is no number, and what is infinite.
array ones '<f4' '2,' "$one$one"
array nan '<f4' '2,' "$one$nan"
array infinite '<f4' '2,' "$one$infinite"
array tiny '<f4' '2,' "$tiny$infinite"
same nan nan None 0
same infinite infinite None 0
differ nan ones None 0
differ ones nan None 0
differ nan ones 0.5 2
differ infinite ones None 0
differ ones infinite None 0
differ tiny infinite None 0

# Shapes but for ones in front, and types.
array row '|i1' '1, 3' '\001\002\003'
array list '|i1' '3,' '\001\002\003'
array column '|i1' '3, 1' '\001\002\003'
array bytes '|u1' '3,' '\001\002\003'
array floats '<f4' '2,' "$one$two"
array short '|i1' '2,' '\001\002'
same row list 1 0
same list bytes 1 0
differ row column 1 0
differ short list 1 0
differ floats short None 0
differ short floats None 0

# Ties: so many of one step, and of what has steps only.
array near '|i1' '3,' '\001\003\003'
array far '|i1' '3,' '\001\004\003'
same near list 1 1
differ near list 1 0
differ far list 1 3
differ near list None 3

# Folders of cases: none, and one whose only case has no model.
mkdir -p "$tmp/cases/reports/coarse"
for folder in "$tmp/missing" "$tmp/cases"; do
    QMAC_CASES=$folder tests/networks/cases.sh reports >"$tmp/.out" 2>"$tmp/.err" && fail "$folder has no cases, and passes"
    has "$tmp/.out" 'reports: has 0 cases with a model; the table has '
done
QMAC_CASES=$tmp/cases tests/networks/cases.sh other >"$tmp/.out" 2>"$tmp/.err" && fail "a folder that the table has not passes"
finish
