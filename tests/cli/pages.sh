#!/bin/bash
# pages.sh - pages whose commands are run: in a block of such a page a line `$ COMMAND` is run in the shell, and the lines behind it
# are what it prints, to the letter.
. "$(dirname "$0")/common.sh"

# judge COMMAND WANTED: runs it and compares.
judge() {
    local got
    ran=$((ran + 1))
    got=$(bash -c "$1" 2>&1) || fail "fails: $1: $got"
    [ "$got" = "$2" ] || fail "$1: $(diff <(echo "$got") <(echo "$2") | head -n 5)"
}

# page FILE: runs all commands of its blocks.
page() {
    local command='' wanted='' inside=false line
    ran=0
    while IFS= read -r line; do
        case $inside$line in
        'false```'*) inside=true ;;
        'true```' | 'true$ '*)
            [ -n "$command" ] && judge "$command" "$wanted"
            command='' wanted=''
            [ "$line" = '```' ] && inside=false || command=${line#'$ '}
            ;;
        true*) wanted+=${wanted:+$'\n'}$line ;;
        esac
    done <"$1"
    [ "$ran" -gt 0 ] || fail "$1: no command was run"
}

page docs/four-by-four.md
finish
