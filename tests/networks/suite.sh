# Whole networks against outputs that nobody here made (tests/networks/golden.c), and the shipped network against its own record.
check "the shipped network equals its record" tests/networks/digits.sh
check "what compares networks with their references sees what is wrong" tests/networks/judges.sh
if [ -n "${QMAC_DATA:-}" ]; then
    check "the timing engine equals the cycle engine on every model" tests/networks/timing.sh edge tiny m8x16 m32x32
    check "every model runs or is refused for the recorded reason" tests/networks/models.sh
    check "ONNX nodes and networks equal their expected outputs" tests/networks/onnx.sh
    check "float networks equal their definition, and are right as often as in TFLite" build/float_networks
    check "float networks quantized to 8 bits keep their outputs" build/quantize_networks w8a8
    check "networks equal the TFLite Micro reference kernels" build/networks --jobs 2
else
    skip "golden networks" "QMAC_DATA does not name the data folder"
fi
if [ -n "${QMAC_CASES:-}" ]; then
    check "networks as real tools write them equal their references, or are refused for the recorded reason" \
        tests/networks/cases.sh real-files onnx-tools reports
else
    skip "networks as real tools write them" "QMAC_CASES does not name the folder of cases"
fi
