#!/bin/sh
# token_order.sh - compiles networks for several machines and proves that their programs cannot deadlock (token_order.c).
set -eu
folder=build/token_programs
rm -rf "$folder"
mkdir -p "$folder"
compile() {
    build/qmac compile "$1" --machine "$2" -o "$folder/$(basename "$1").$2.$3.qmac" ${4:+--precision "$4"}
}
for machine in m3x5 m8x8 m8x16 m16x8 edge m32x32; do
    compile workloads/digits/digits_int8.tflite $machine own
    compile workloads/digits/digits_w4a4.onnx $machine own
    for model in ${QMAC_DATA:+"$QMAC_DATA"/mlcommons-tiny/models/*_int8.tflite
        "$QMAC_DATA"/google-coral-test_data/models/tf2_mobilenet_v2_1.0_224_ptq.tflite}; do
        compile "$model" $machine own
        [ $machine = m3x5 ] || compile "$model" $machine w4a4 w4a4 # packed maps need an even number of columns
    done
done
build/token_order "$folder"/*.qmac
rm -rf "$folder"
