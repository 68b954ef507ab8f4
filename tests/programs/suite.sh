# Programs on the machine itself: cycle counts against the closed forms of docs/machine.md.
check "program tests on every engine" build/run_programs tests/programs/*.prog
check "MATMUL sweep equals the closed form (cycle)" build/matmul_sweep cycle
check "MATMUL sweep equals the closed form (rtl)" build/matmul_sweep rtl
check "skipping, with and without values, equals stepping on 1,400 random programs" \
    build/skip_equals_step 200 1 one tiny m3x5 fixed8 acc20 m8x16 m16x8 edge
check "the timing engine equals the cycle engine on 2,000 random programs and machines" build/timing_equals_cycle 2000 1
check "mistakes planted in the timing engine are noticed" tests/programs/timing_faults.sh
check "more memory makes the shipped network no slower on five arrays" \
    build/memory_sizes 16x16,4x64,8x8,5x64,3x64 workloads/digits/digits_int8.tflite
check "72 random moves put their bytes where naive code does, and cost so many cycles a byte on machines of all scratchpads" \
    build/move_costs 6 1 tiny edge m8x16 m3x5
check "compiled programs cannot deadlock" tests/programs/token_order.sh
check "a constant shifted by one step is noticed in random ONNX networks" build/onnx_graphs 300 1 --self-test
check "the deviations stated of layers that are not exact are those of random ONNX networks" build/onnx_graphs 1000 1 --accept
check "300 random ONNX networks give the integers that they mean" make --no-print-directory onnx-graphs
check "300 random TFLite networks give the bytes that naive code gives" make --no-print-directory tflite-graphs
