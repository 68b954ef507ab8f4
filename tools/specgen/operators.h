/* operators.h - the tables of docs/operators.md: the operators of each format, from the tables that the front ends read by. */
#ifndef QM_TOOLS_SPECGEN_OPERATORS_H
#define QM_TOOLS_SPECGEN_OPERATORS_H

void print_docs_tflite(void);
void print_docs_onnx(void);

#endif
