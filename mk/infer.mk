# mk/infer.mk - infer/ computes floats in plain loops: let the compiler vectorize them.
$(B)/obj/infer/%.o: CFLAGS += -O3
