#!/bin/sh
# onnx.sh - ONNX networks of others: single nodes, PULP's integer networks, QONNX networks; each a program that prints a table.
set -eu
unpacked=build/onnx-data
mkdir -p "$unpacked"
for archive in "$QMAC_DATA"/pulp-deeploy/*.tar.xz "$QMAC_DATA"/pulp-dory_examples/*.tar.xz; do
    tar -C "$unpacked" -xJf "$archive"
done
build/onnx_nodes "$QMAC_DATA/onnx-node-tests" tests/networks/onnx_nodes.txt
build/onnx_integer "$unpacked" tests/networks/onnx_integer.txt
build/onnx_qonnx "$QMAC_DATA" "$unpacked"
