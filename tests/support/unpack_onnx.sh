#!/bin/sh
# unpack_onnx.sh FOLDER - the archives of PULP's ONNX networks, unpacked into a folder of their own.
set -eu
mkdir -p "$1"
for archive in "$QMAC_DATA"/pulp-deeploy/*.tar.xz "$QMAC_DATA"/pulp-dory_examples/*.tar.xz; do
    tar -C "$1" -xJf "$archive"
done
