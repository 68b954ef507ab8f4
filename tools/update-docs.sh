#!/bin/sh
# update-docs.sh [--check] - puts the output of `specgen NAME` between the markers `<!-- specgen NAME -->` and `<!-- end -->` of docs/*.md;
# with --check nothing is written, and a difference is an error.
set -eu
cd "$(dirname "$0")/.."
status=0
for doc in $(grep -l '^<!-- specgen ' docs/*.md); do
    new=$(mktemp)
    while IFS= read -r line; do
        case $line in
        '<!-- specgen '*)
            name=${line#<!-- specgen }
            printf '%s\n' "$line" >>"$new"
            build/specgen "${name% -->}" >>"$new"
            inside=1
            ;;
        '<!-- end -->') printf '%s\n' "$line" >>"$new"; inside=0 ;;
        *) [ "${inside:-0}" = 1 ] || printf '%s\n' "$line" >>"$new" ;;
        esac
    done <"$doc"
    if [ "${1:-}" = --check ]; then
        cmp -s "$doc" "$new" || { echo "$doc: generated tables are not up to date: run make docs"; status=1; }
        rm -f "$new"
    else
        cat "$new" >"$doc"
        rm -f "$new"
    fi
done
exit $status
