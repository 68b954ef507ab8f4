#!/bin/sh
# plant.sh NAME DIR - a copy of rtl/ in DIR with the fault of tests/lockstep/faults.txt; prints the block that it is in. Fails when the expression
# changes nothing. A copy that is there already and equal stays, so that it is not built again.
set -eu
cd "$(dirname "$0")/../.."
read -r name block file expression <<END
$(grep "^$1 " tests/lockstep/faults.txt)
END
made=$2.made
rm -rf "$made"
mkdir -p "$made"
cp -r rtl/. "$made"
sed -i -e "$expression" "$made/$file"
if cmp -s "rtl/$file" "$made/$file"; then
    echo "plant.sh: $name changes nothing in rtl/$file" >&2
    exit 1
fi
if diff -rq "$made" "$2" >/dev/null 2>&1; then
    rm -rf "$made"
else
    rm -rf "$2"
    mv "$made" "$2"
fi
echo "$block"
