/* products.h - how fast this processor multiplies 8-bit matrices when nothing else is to be done. */
#ifndef QM_TOOLS_BENCH_PRODUCTS_H
#define QM_TOOLS_BENCH_PRODUCTS_H

/* Multiply-accumulates a second of the kernel that MATMUL takes, on operands that stay in the cache. */
double qm_bench_products(void);

#endif
