#!/bin/sh
# fetch.sh [LIST] - downloads the models that LIST (default: models.yaml beside this file) names into ${QMAC_CACHE:-~/.cache/qmac}/models.
# A file has its final name only when its SHA-256 is the listed one; one that is there already and right is not fetched again.
set -u
list=${1:-$(dirname "$0")/models.yaml}
cache=${QMAC_CACHE:-${HOME:?is not set; set QMAC_CACHE to a folder}/.cache/qmac}/models

fail() {
    printf 'fetch.sh: %s\n' "$1" >&2
    exit 1
}

is_right() { # FILE SHA256
    [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ]
}

download() { # URL FILE
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --max-time 300 --retry 2 --output "$2" "$1" 2>"$2.error"
    elif command -v wget >/dev/null; then
        wget --no-verbose --timeout=60 --tries=3 --output-document="$2" "$1" 2>"$2.error"
    else
        fail "neither curl nor wget is installed; install one (apt-get install curl)"
    fi
}

fetch() { # NAME URL SHA256
    file=$cache/$1.tflite
    if ! is_right "$file" "$3"; then
        if ! download "$2" "$file.part"; then
            reason=$(tail -n 1 "$file.part.error" 2>/dev/null)
            rm -f "$file.part" "$file.part.error"
            fail "$2: cannot be downloaded (${reason:-no answer}); check the network, or put the file at $file"
        fi
        rm -f "$file.part.error"
        if ! is_right "$file.part" "$3"; then
            found=$(sha256sum <"$file.part" | cut -d' ' -f1)
            rm -f "$file.part"
            fail "$2: SHA-256 is $found, not $3; the file has changed, so it is not kept"
        fi
        mv "$file.part" "$file"
    fi
    printf '%s\n' "$file"
}

[ -r "$list" ] || fail "$list: cannot be read"
mkdir -p "$cache" 2>/dev/null || fail "$cache: cannot be made; set QMAC_CACHE to a folder that can be written"
models=$(awk '/^[^ #].*:$/ { name = substr($1, 1, length($1) - 1) }
              $1 == "url:" { url = $2 }
              $1 == "sha256:" { print name, url, $2 }' "$list")
[ -n "$models" ] || fail "$list: names no model; each is NAME: with url: and sha256: below it, in this order"
printf '%s\n' "$models" | while read -r name url sha256; do fetch "$name" "$url" "$sha256"; done
