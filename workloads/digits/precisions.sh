#!/bin/sh
# precisions.sh - the digits network at each precision on edge: accuracy on the 360 held-back pictures, cycles, energy and DRAM bytes of a
# picture, as the table of README.md. Narrow networks are those that were trained further with rounded numbers, and those that qmac quantize
# makes of the float network. Run it from the project's folder after make.
set -eu
folder=workloads/digits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Number KEY of the report, the first of that name.
number() {
    sed -n "s/^\t*\"$1\":\t\([0-9.e+-]*\),*/\1/p" "$work/report.json" | head -1
}

# print_row NAME FILE PICTURES
print_row() {
    build/qmac run "$2" --machine edge --input "$3" --labels $folder/test_labels.npy --json "$work/report.json" >/dev/null
    awk -v name="$1" -v accuracy="$(number accuracy)" -v cycles="$(number cycles)" -v energy="$(number nominal)" \
        -v read="$(number dram_read_bytes)" -v written="$(number dram_write_bytes)" 'BEGIN {
        printf "| %s | %.0f of 360, %.1f %% | %d | %.2f uJ | %.1f KiB |\n",
            name, 360 * accuracy, 100 * accuracy, cycles, energy / 1e6, (read + written) / 1024
    }'
}

echo "| digits | held-back pictures right | cycles | energy | DRAM |"
echo "|---|---|---|---|---|"
print_row W8A8 $folder/digits_int8.tflite $folder/test_pictures.npy
for precision in W4A8 W4A4; do
    file=digits_$(echo $precision | tr WA wa)
    print_row "$precision, trained further" "$folder/$file.onnx" $folder/test_pictures.npy
    build/qmac quantize $folder/digits_float32.tflite --calibration $folder/calibration_float32.npy \
        --precision "${file#digits_}" -o "$work/$file.onnx" >/dev/null
    print_row "$precision, \`qmac quantize\`" "$work/$file.onnx" $folder/test_float32.npy
done
