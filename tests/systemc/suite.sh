# The cycle model in the SystemC platform: everything that can be seen is the same as without SystemC; and on a bus that is not ours.
check "random programs and program tests" build/systemc_equals_cycle 50 1 tests/programs/*.prog
check "digits on edge" tests/systemc/same_report.sh workloads/digits/digits_int8.tflite edge
check "digits on m3x5 with stalls" tests/systemc/same_report.sh workloads/digits/digits_int8.tflite m3x5 --stalls 0.1
if [ -n "${QMAC_DATA:-}" ]; then
    for name in resnet8_cifar10_int8 ds_cnn_kws_int8 mobilenet_v1_025_96_vww_int8 autoencoder_ad01_int8; do
        check "$name on edge" tests/systemc/same_report.sh "$QMAC_DATA/mlcommons-tiny/models/$name.tflite" edge
    done
else
    skip "MLPerf Tiny networks in SystemC" "QMAC_DATA does not name the data folder"
fi
check "the shipped network on somebody else's bus" tests/systemc/somebodys_system.sh
