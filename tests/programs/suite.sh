# Programs on the machine itself: cycle counts against the closed forms of docs/machine.md.
check "MATMUL sweep equals the closed form (cycle)" build/matmul_sweep cycle
check "MATMUL sweep equals the closed form (rtl)" build/matmul_sweep rtl
