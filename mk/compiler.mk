# mk/compiler.mk - what walks all the weights of a network: let the compiler vectorize it.
$(B)/obj/compiler/passes/integers/weights.o $(B)/obj/compiler/passes/legalize_convolutions.o: CFLAGS += -O3
