# scale() of docs/numerics.md: the C model against gemmlowp and against numbers of 128 bits, and the RTL against the C model.
# Each also for all 9 million corners; the logs have the exact counts.
check "TFLITE, C model and gemmlowp, 100 million random operands" build/scale_oracle model gemmlowp TFLITE 100000000 1
for rounding in SINGLE EVEN FLOOR AWAY ADDEND OFFSET; do
    check "$rounding, C model and its definition, 100 million random operands" build/scale_oracle model definition $rounding 100000000 1
done
for rounding in TFLITE SINGLE EVEN FLOOR AWAY ADDEND OFFSET; do
    check "$rounding, RTL and C model, 10 million random operands" build/scale_oracle rtl model $rounding 10000000 2
done
