# Benches of the compute modules under a second simulator, Icarus Verilog.
check "array forms, 4x4" tests/rtl/run.sh mac_array Rows=4 Cols=4
check "array forms, 3x5" tests/rtl/run.sh mac_array Rows=3 Cols=5
check "array forms, 4x4, two nibbles" tests/rtl/run.sh mac_array Rows=4 Cols=4 Mode=1
check "array forms, 3x5, four nibbles" tests/rtl/run.sh mac_array Rows=3 Cols=5 Mode=2
check "array forms, 5x3, cells of 8 bits" tests/rtl/run.sh mac_array Rows=5 Cols=3 CellBytes=1
check "array forms, 1x1" tests/rtl/run.sh mac_array Rows=1 Cols=1
check "matmul on the fast array, 3x5" tests/rtl/run.sh matmul FastArray=1
check "matmul on the array of cells, 3x4" tests/rtl/run.sh matmul Rows=3 Cols=4 FastArray=0 Instructions=30
check "matmul on cells of 8 bits, 3x4" tests/rtl/run.sh matmul Rows=3 Cols=4 CellBytes=1 FastArray=0 Seed=4 Instructions=30
check "matmul with sums of 17 bits that saturate, 4x3" tests/rtl/run.sh matmul Rows=4 Cols=3 AccBits=17 AccSaturate=1 Seed=2
check "matmul with sums of 16 bits that wrap, 1x1" tests/rtl/run.sh matmul Rows=1 Cols=1 AccBits=16 FastArray=0 Seed=3 Instructions=30
check "post, 3x5" tests/rtl/run.sh post
check "post, 4x4" tests/rtl/run.sh post Rows=4 Cols=4 Seed=2
check "post, 2x1" tests/rtl/run.sh post Rows=2 Cols=1 Seed=3
check "requantize" tests/rtl/run.sh requantize
check "decode" tests/rtl/run.sh decode
check "decode for cells of 8 bits" tests/rtl/run.sh decode CellBytes=1
check "illegal parameters are refused, and every bound is accepted" tests/rtl/parameters.sh icarus
