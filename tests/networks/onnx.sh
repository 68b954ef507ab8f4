#!/bin/sh
# onnx.sh - ONNX networks of others: single nodes, PULP's integer networks, QONNX networks; each a program that prints a table.
set -eu
unpacked=build/onnx-data
tests/support/unpack_onnx.sh "$unpacked"
build/onnx_nodes "$QMAC_DATA/onnx-node-tests" tests/networks/onnx_nodes.txt
build/onnx_integer "$unpacked" tests/networks/onnx_integer.txt
build/onnx_qonnx "$QMAC_DATA" "$unpacked"
