/* copy_program.h - a program made by hand for tests of the driver: LOAD 64 bytes from IN, STORE them at OUT;
 * one device stage, two tensors. */
#ifndef QM_TESTS_UNIT_DRIVER_COPY_PROGRAM_H
#define QM_TESTS_UNIT_DRIVER_COPY_PROGRAM_H

#include "common/program.h"

enum { IN = 4096, OUT = 8192, BYTES = 64, ARENA = 12288 };

struct qm_program *copy_program_create(void); /* room for a second step */
struct qm_insn copy_program_transfer(enum qm_opcode opcode, uint32_t dram_addr);
void copy_program_put(struct qm_program *program, uint32_t at, const struct qm_insn *insn);

#endif
