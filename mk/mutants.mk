# mk/mutants.mk - mutants planted in the RTL, to see that the quick verification notices them (docs/how-to/plant-mutants.md).
#
#   make mutate MUTANTS=300 MUTANT_SEED=1
#   make mutate MUTANTS=10000 MUTANT_FILE=rtl/decode.v      all mutants of one file
# All drawn mutants are in one copy of the RTL and selected at run time, so that each machine is built once.

MUTANTS := 300
MUTANT_SEED := 1
MUTANT_FILE := all
MUTANT_JOBS := 2
MUTANT_DIR := $(B)/mutants
PLANT_SRC := $(addprefix tests/mutants/,plant.c tokens.c expression.c tree.c mutations.c equivalent.c)

MUTANT_UNIT_SRC := $(wildcard tests/unit/sim/*.c tests/unit/sim/verilated/*.c) tests/support/machine_4x4.c

.PHONY: mutate

mutate: $(B)/run_mutants $(MUTANT_DIR)/unit $(MUTANT_DIR)/planted/mutants ## plant mutants in the RTL: the verification must notice
	QMAC_HOME=$(MUTANT_DIR)/planted $(B)/run_mutants $(MUTANT_JOBS) $(MUTANT_DIR)/planted $(MUTANT_DIR)/unit tests/programs/*.prog

# Run every time, for the seed and the number may be others; it writes only what changes.
.PHONY: $(MUTANT_DIR)/planted/mutants
$(MUTANT_DIR)/planted/mutants: $(B)/plant
	$(Q)mkdir -p $(addprefix $(@D)/,$(sort $(dir $(RTL_SRC))))
	$(Q)ln -sfn "$(CURDIR)/spec" "$(CURDIR)/sim" $(@D)
	$(B)/plant $(MUTANT_SEED) $(MUTANTS) $(MUTANT_FILE) $(@D) tests/mutants/equivalent.txt $(RTL_SRC)

PROGRAMS += $(B)/plant $(MUTANT_DIR)/unit $(B)/run_mutants
NOT_FOR_TEST += $(B)/plant $(MUTANT_DIR)/unit $(B)/run_mutants
$(B)/plant: $(call obj,$(PLANT_SRC),obj)
# The home of these two is the copy with the mutants (common/home.h).
$(MUTANT_DIR)/unit: $(call obj,$(MUTANT_UNIT_SRC),obj)
$(MUTANT_DIR)/unit: LDLIBS += -lcriterion
$(B)/run_mutants: $(call obj,$(addprefix tests/mutants/,run.c verification.c),obj)
