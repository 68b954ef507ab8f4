# The C model against the Verilated RTL, zero tolerance: random programs on many machines, then whole networks.
for machine in one tiny m3x5 fixed8 acc20 m8x16 m16x8 edge; do
    check "300 random programs on $machine" build/qmac verify --random 300 --seed 1 --machine $machine
    check "300 random programs on $machine with stalls" build/qmac verify --random 300 --seed 1 --machine $machine --stalls 0.2
done
check "100 random programs on tiny with long stalls" build/qmac verify --random 100 --seed 1 --machine tiny --stalls 0.95
check "the signals between the blocks are equal on tiny" build/qmac verify --random 200 --machine tiny --stalls 0.2 --probe
digits=workloads/digits/digits_int8.tflite
check "digits on edge" build/qmac verify $digits --machine edge
check "the W4A4 network on edge" build/qmac verify workloads/digits/digits_w4a4.onnx --machine edge
check "the W4A8 network on m3x5 with stalls" build/qmac verify workloads/digits/digits_w4a8.onnx --machine m3x5 --stalls 0.1
check "4-bit weights as bytes on cells that multiply 8 bits only" \
    build/qmac verify workloads/digits/digits_w4a8.onnx --machine fixed8 --precision w8a8
check "digits at W4A8 on m3x5" build/qmac verify $digits --machine m3x5 --precision w4a8
check "digits at W4A4 on m8x16 with stalls" build/qmac verify $digits --machine m8x16 --precision w4a4 --stalls 0.1
check "digits on m3x5 with stalls" build/qmac verify $digits --machine m3x5 --stalls 0.1
for fault in late_commit wrong_rounding lost_stall swapped_buffer two_bits_unsigned; do
    check "the report locates the planted fault $fault" tests/lockstep/located.sh $fault --random 100 --machine tiny --stalls 0.2
done
check "programs that show planted faults are reduced to a few instructions" tests/lockstep/shrunk.sh wrong_rounding lost_stall
check "a long run goes on where it was stopped, and loses nothing" tests/lockstep/endurance.sh
check "nothing compared is no success, and no difference is lost" tests/lockstep/limits.sh
check "the report locates a planted fault in a network" tests/lockstep/located.sh late_commit $digits --machine tiny
check "the signals between the blocks are equal in digits on m3x5" build/qmac verify $digits --machine m3x5 --stalls 0.1 --probe
mkdir -p build/attention-models
check "networks with attention are written" build/attention build/attention-models
settle
for format in tflite onnx; do
    for machine in one tiny edge m3x5; do
        check "attention in $format on $machine" build/qmac verify build/attention-models/attention.$format --machine $machine
        check "attention in $format on $machine with stalls" \
            build/qmac verify build/attention-models/attention.$format --machine $machine --stalls 0.1
    done
done
if [ -n "${QMAC_DATA:-}" ]; then
    models=$QMAC_DATA/mlcommons-tiny/models
    for name in resnet8_cifar10_int8 ds_cnn_kws_int8 mobilenet_v1_025_96_vww_int8 autoencoder_ad01_int8; do
        check "$name on edge" build/qmac verify "$models/$name.tflite" --machine edge
    done
    for precision in w4a8 w4a4 default=w4a4,model/activation/Relu=w8a8,model/dense/MatMul=w4a8; do
        check "resnet8 at $precision" build/qmac verify "$models/resnet8_cifar10_int8.tflite" --machine edge --precision $precision
    done
    mobilenet=$QMAC_DATA/google-coral-test_data/models/tf2_mobilenet_v2_1.0_224_ptq.tflite
    check "MobileNetV2 on edge" build/qmac verify "$mobilenet" --machine edge
    check "MobileNetV2 at W4A4, whose first map a move packs" build/qmac verify "$mobilenet" --machine edge --precision w4a4
    onnx=build/onnx-data
    tests/support/unpack_onnx.sh "$onnx"
    check "DVS_CNN, 2-bit weights" build/qmac verify "$onnx"/DVS_CNN_9inputs/dvs_cnn_cnn_ql_integerized.onnx --machine edge
    check "Dronet" build/qmac verify "$onnx"/Dronet/DRONETV3_ql_integerized.onnx --end-at 120 --machine edge
    for name in TFC_1W1A TFC_2W2A kwsmlp_w3a3; do
        check "$name with stalls" build/qmac verify "$QMAC_DATA/qonnx-model-zoo/$name.onnx" --machine edge --stalls 0.1
    done
    for name in resnet8_cifar10_int8 ds_cnn_kws_int8; do
        for machine in m8x8 m8x16; do
            check "$name on $machine" build/qmac verify "$models/$name.tflite" --machine $machine
        done
    done
else
    skip "MLPerf Tiny networks in lockstep" "QMAC_DATA does not name the data folder"
fi
