# mk/functional.mk - sim/functional/fast computes values in plain loops: let the compiler vectorize them.
$(B)/obj/sim/functional/fast/%.o: CFLAGS += -O3
