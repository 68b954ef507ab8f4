#!/bin/sh
# links.sh - every relative link in a Markdown file leads to a file that is there.
set -u
status=0
for doc in $(git ls-files '*.md'); do
    for link in $(grep -oE '\]\([^)#]+' "$doc" | cut -c3- | grep -vE '^https?:'); do
        [ -e "$(dirname "$doc")/$link" ] && continue
        echo "$doc: no such file: $link"
        status=1
    done
done
exit $status
