#!/bin/sh
# quantizers.sh - the float networks of QMAC_DATA quantized by qmac, by onnxruntime's static quantizer and by the LiteRT quantizer, side by
# side: SQNR and agreement with the float network, both halves of the examples; and whether our files give the same outputs in qmac and in
# onnxruntime. Optional: PYTHON (default python3) needs the packages onnx and onnxruntime, and ai-edge-quantizer for LiteRT's rows.
# usage: tools/bench/quantizers.sh [PRECISION...] (default w8a8 w4a8)
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}

if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
    echo "quantizers: not compared, $python has no onnx and onnxruntime" \
        "(python3 -m venv DIR && DIR/bin/pip install onnx onnxruntime ai-edge-quantizer)"
    exit 0
fi
[ -n "${QMAC_DATA:-}" ] || {
    echo "quantizers: not compared, QMAC_DATA does not say where the float networks are"
    exit 0
}
make -s build/quantize_networks build/qmac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ $# -gt 0 ] || set -- w8a8 w4a8
for precision in "$@"; do
    build/quantize_networks "$precision" files="$folder" >/dev/null
    for network in resnet8_cifar10 mobilenet_v1_025_96_vww autoencoder_ad01; do
        "$python" tools/bench/quantizers.py "$folder" "$precision" $network \
            "$QMAC_DATA/mlcommons-tiny/models/${network}_float32.tflite" 2>"$folder/errors" || {
            cat "$folder/errors" >&2
            exit 1
        }
        grep -E '^  (onnxruntime|LiteRT)' "$folder/errors" || true
    done
done
