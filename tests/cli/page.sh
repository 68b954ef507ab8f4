#!/bin/bash
# The pages of --html in a browser: no error, marks, every figure that of the JSON, no label over another, the keyboard, names that would
# like to be scripts. Wide and narrow, light and dark.
. "$(dirname "$0")/common.sh"
browser=$(command -v chromium) || fail "chromium is missing: make deps"

# browse FILE OPTION...: the page's DOM after its scripts, to $tmp/dom; what the browser's console says is a failure.
browse() {
    local page=$1
    shift
    timeout 120 "$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$tmp/profile" \
        --enable-logging=stderr --virtual-time-budget=6000 "$@" --dump-dom "file://$page" >"$tmp/dom" 2>"$tmp/console"
    grep CONSOLE "$tmp/console" | grep . && fail "the console has something to say: $page $*"
}

# page FILE.html FILE.json: judges a page.
page() {
    [ "$(stat -c %s "$1")" -lt 3000000 ] || fail "$1 is not below 3 MB"
    grep -qE '(src|href)="?(https?:)?//' "$1" && fail "$1 fetches something"
    browse "$1" --window-size=1280,1000
    build/page_figures "$2" "$tmp/dom" || fail "figures of $1 are not those of the JSON"
    cat "$1" tests/cli/page_probe.html >"$tmp/probed.html"
    for options in "--window-size=1280,1000" "--window-size=520,900 --blink-settings=preferredColorScheme=0"; do
        # shellcheck disable=SC2086
        browse "$tmp/probed.html" $options
        found=$(sed -n '/<pre id="probe">/,/probed<\/pre>/p' "$tmp/dom" | sed 's/<pre id="probe">//; s/probed<\/pre>.*//' | grep .)
        grep -q 'probed</pre>' "$tmp/dom" || fail "$1: the probe did not come to its end: $options"
        [ -z "$found" ] || fail "$1: $options: $found"
    done
}

accepts "$qmac" run "$model" --html "$tmp/run.html" --json "$tmp/run.json"
page "$tmp/run.html" "$tmp/run.json"
accepts "$qmac" run "$model" --precision default=w4a8,halve=w8a8,stem=w4a4 --html "$tmp/mixed.html" --json "$tmp/mixed.json" \
    --set accumulator_bits=20
page "$tmp/mixed.html" "$tmp/mixed.json"
accepts "$qmac" explore "$model" --rows 4,8,16 --cols 3,8,16,24 --set scratchpad_bytes=1024,4096 --precision w8a8,w4a4 \
    --html "$tmp/sweep.html" --json "$tmp/sweep.json"
page "$tmp/sweep.html" "$tmp/sweep.json"
accepts "$qmac" explore "$model" --html "$tmp/one.html" --json "$tmp/one.json"
page "$tmp/one.html" "$tmp/one.json"

# names that would like to be marks
folder="$tmp/<" evil="script><img src=x onerror=hacked=1>\"'&.tflite"
mkdir "$folder"
LC_ALL=C sed 's/stem/<b>"/g' "$model" >"$folder/$evil"
accepts "$qmac" run "$folder/$evil" --html "$tmp/evil.html" --json "$tmp/evil.json"
page "$tmp/evil.html" "$tmp/evil.json"
accepts "$qmac" explore "$folder/$evil" --rows 4,8 --html "$tmp/evil2.html" --json "$tmp/evil2.json"
page "$tmp/evil2.html" "$tmp/evil2.json"

refuses 2 "--html" "$qmac" run "$model" --engine float --html "$tmp/x.html"
refuses 2 "$tmp/none/x.html" "$qmac" run "$model" --html "$tmp/none/x.html"
refuses 2 "$tmp/none/x.html" "$qmac" explore "$model" --html "$tmp/none/x.html"
finish
