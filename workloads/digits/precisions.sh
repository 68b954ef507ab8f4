#!/bin/sh
# precisions.sh - the digits network at each precision on edge: accuracy on the 360 held-back pictures, cycles, energy and DRAM bytes of a
# picture, as the table of README.md. Run it from the project's folder after make.
set -eu
folder=workloads/digits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Number KEY of the report, the first of that name.
number() {
    sed -n "s/^\t*\"$1\":\t\([0-9.e+-]*\),*/\1/p" "$work/report.json" | head -1
}

echo "| digits | held-back pictures right | cycles | energy | DRAM |"
echo "|---|---|---|---|---|"
for row in W8A8:digits_int8.tflite W4A8:digits_w4a8.onnx W4A4:digits_w4a4.onnx; do
    build/qmac run $folder/"${row#*:}" --machine edge --input $folder/test_pictures.npy --labels $folder/test_labels.npy \
        --json "$work/report.json" >/dev/null
    awk -v name="${row%%:*}" -v accuracy="$(number accuracy)" -v cycles="$(number cycles)" -v energy="$(number nominal)" \
        -v read="$(number dram_read_bytes)" -v written="$(number dram_write_bytes)" 'BEGIN {
        printf "| %s | %.0f of 360, %.1f %% | %d | %.2f uJ | %.1f KiB |\n",
            name, 360 * accuracy, 100 * accuracy, cycles, energy / 1e6, (read + written) / 1024
    }'
done
