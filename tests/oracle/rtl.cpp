// rtl.cpp - scale() of rtl/requantize.v, Verilated alone: one operand a cycle, each result two cycles after its operand.
#include "tests/oracle/oracle.h"

#include "Vrequantize.h"
#include "verilated.h"

static void clock(Vrequantize &unit) {
    unit.clk_i = 1;
    unit.eval();
    unit.clk_i = 0;
    unit.eval();
}

void oracle_rtl(const oracle_block *block, uint32_t rounding, int32_t *results) {
    VerilatedContext context;
    Vrequantize unit{&context, "requantize"};
    unit.rounding_i = rounding;
    unit.eval(); // an edge of the clock needs a level before
    for (size_t i = 0; i <= block->count; i++) {
        unit.multiply_i = i < block->count;
        unit.round_i = i > 0;
        if (i < block->count) {
            unit.x_i = block->x[i];
            unit.multiplier_i = block->multiplier[i];
            unit.addend_i = block->addend[i];
            unit.shift_i = block->shift[i];
        }
        clock(unit);
        if (i > 0) results[i - 1] = unit.result_o;
    }
}
