#!/bin/sh
# timing.sh MACHINE... - compiles every model of the tests at every precision for the machines, and compares the timing engine with the
# cycle engine on each program. What the compiler refuses is left out.
set -u
folder=build/timing_programs
rm -rf "$folder"
mkdir -p "$folder"
models=$(find workloads/digits ${QMAC_DATA:+"$QMAC_DATA"} -name '*.tflite' -o -name '*.onnx' | sort)
count=0
for model in $models; do
    for machine in "$@"; do
        for precision in "" w4a8 w4a4; do
            count=$((count + 1))
            build/qmac compile "$model" --machine "$machine" ${precision:+--precision $precision} -o "$folder/$count.qmac" \
                >"$folder/out" 2>&1
            status=$?
            [ $status = 0 ] || [ $status = 2 ] || { cat "$folder/out" && echo "$model on $machine: exit status $status" && exit 1; }
        done
    done
done
build/timing_equals_cycle "$folder"/*.qmac
status=$?
rm -rf "$folder"
exit $status
