# mk/functional.mk - sim/functional/fast computes values in plain loops: let the compiler vectorize them.
$(B)/obj/sim/functional/fast/%.o: CFLAGS += -O3
# But not look-ups in tables: scalar ones are faster than vectors put together of them.
$(B)/obj/sim/functional/fast/add.o: CFLAGS += -fno-tree-vectorize
