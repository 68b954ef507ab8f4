# mk/functional.mk - sim/functional computes values in plain loops: let the compiler vectorize them.
$(B)/obj/sim/functional/%.o: CFLAGS += -O3
