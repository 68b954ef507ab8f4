/* verilog_defs.h - what spec/ says, for Verilog: the text of qmac_defs.vh, which every file of rtl/ includes. */
#ifndef QM_SIM_VERILATED_VERILOG_DEFS_H
#define QM_SIM_VERILATED_VERILOG_DEFS_H

#include <stdio.h>

/* Opcodes, fields, registers, counters and probes as macros. The text is of the spec/ that this program was compiled from. */
void verilog_defs_print(FILE *out);

#endif
