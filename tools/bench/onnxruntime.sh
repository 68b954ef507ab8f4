#!/bin/sh
# onnxruntime.sh - values, cycles and counts of a ResNet-50-sized network by the fast engine, against onnxruntime's int8 inference of the
# same network on one thread. Both sides take turns in one run and the fastest of each counts. Optional: PYTHON (default python3) needs the
# packages onnx and onnxruntime. usage: tools/bench/onnxruntime.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
rounds=${1:-3}

if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
    echo "onnxruntime: not measured, $python has no onnx and onnxruntime (python3 -m venv DIR && DIR/bin/pip install onnx onnxruntime)"
    exit 0
fi
make -s build/bench
for _ in $(seq "$rounds"); do
    build/bench values | sed 's/.*values and time *\([0-9.]*\) ms.*/qmac \1/'
    echo "onnxruntime $("$python" tools/bench/resnet50_qdq.py)"
done | awk '
    !($1 in best) || $2 < best[$1] { best[$1] = $2 }
    END {
        printf "  fast engine, values and time     %10.3f ms\n", best["qmac"]
        printf "  onnxruntime, int8, one thread    %10.3f ms  (the fast engine takes %.2f of it)\n", best["onnxruntime"],
            best["qmac"] / best["onnxruntime"]
    }'
