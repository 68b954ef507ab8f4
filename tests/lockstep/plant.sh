#!/bin/sh
# plant.sh NAME DIR - a copy of rtl/ in DIR with the fault of tests/lockstep/faults.txt; prints the block that it is in. Fails when the
# expression changes nothing.
set -eu
cd "$(dirname "$0")/../.."
read -r name block file expression <<END
$(grep "^$1 " tests/lockstep/faults.txt)
END
rm -rf "$2"
mkdir -p "$2"
cp -r rtl/. "$2"
sed -i -e "$expression" "$2/$file"
if cmp -s "rtl/$file" "$2/$file"; then
    echo "plant.sh: $name changes nothing in rtl/$file" >&2
    exit 1
fi
echo "$block"
