/* isa.c - packing and unpacking, which have no loop over the table of fields, against loops over it. */
#include "common/isa.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "common/prng.h"

TestSuite(isa);

enum { ROUNDS = 20000 };

static struct qm_diag diag;

static int64_t smallest(const struct qm_field *field) {
    return field->is_signed ? -((int64_t)1 << (field->width - 1)) : 0;
}

/* A value of the field: at an end of its range, or anywhere in it; one time in `odd`, beyond an end. */
static int64_t draw(struct qm_prng *prng, const struct qm_field *field, uint64_t odd) {
    int64_t low = smallest(field), high = low + ((int64_t)1 << field->width) - 1;
    if (odd > 0 && qm_prng_next(prng) % odd == 0) return qm_prng_next(prng) % 2 == 0 ? low - 1 : high + 1;
    switch (qm_prng_next(prng) % 4) {
    case 0: return low;
    case 1: return high;
    default: return low + (int64_t)(qm_prng_next(prng) & (((uint64_t)1 << field->width) - 1));
    }
}

static struct qm_insn draw_insn(struct qm_prng *prng, uint64_t odd) {
    struct qm_insn insn = {0};
    for (size_t i = 0; i < qm_field_count; i++) *qm_field_member(&qm_fields[i], &insn) = draw(prng, &qm_fields[i], odd);
    do insn.opcode = 1 + (int64_t)(qm_prng_next(prng) % (QM_OPCODE_END - 1));
    while (qm_opcode_name(insn.opcode) == NULL);
    return insn;
}

/* The name of the first field that does not fit; NULL: all do. */
static const char *pack_by_table(const struct qm_insn *insn, uint32_t *words) {
    memset(words, 0, QM_INSN_BYTES);
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        int64_t value = qm_field_value(field, insn), low = smallest(field);
        if (!qm_field_applies(field, insn->opcode)) continue;
        if (value < low || value - low >= (int64_t)1 << field->width) return field->name;
        uint64_t mask = ((uint64_t)1 << field->width) - 1;
        words[field->word] |= (uint32_t)(((uint64_t)value & mask) << field->lsb);
    }
    return NULL;
}

Test(isa, packs_as_the_table_says_and_names_what_does_not_fit) {
    struct qm_prng prng;
    struct qm_diag checked;
    int refused = 0;
    qm_prng_init(&prng, 3);
    for (int round = 0; round < ROUNDS; round++) {
        struct qm_insn insn = draw_insn(&prng, round % 2 == 0 ? 0 : 40);
        uint32_t got[QM_INSN_WORDS], want[QM_INSN_WORDS];
        const char *wrong = pack_by_table(&insn, want);
        enum qm_status status = qm_insn_pack(&insn, got, &diag);
        cr_assert(eq(int, status, wrong == NULL ? QM_OK : QM_BAD_INPUT));
        refused += wrong != NULL;
        cr_assert(qm_insn_check(&insn, &checked) == status && (wrong == NULL || strcmp(checked.text, diag.text) == 0));
        if (wrong == NULL)
            cr_assert(memcmp(got, want, sizeof got) == 0);
        else
            cr_assert(strstr(diag.text, wrong) != NULL, "%s is not named: %s", wrong, diag.text);
    }
    cr_assert(gt(int, refused, ROUNDS / 10));
}

Test(isa, unpacks_what_was_packed_and_nothing_else) {
    struct qm_prng prng;
    qm_prng_init(&prng, 4);
    for (int round = 0; round < ROUNDS; round++) {
        struct qm_insn insn = draw_insn(&prng, 0), back;
        uint32_t words[QM_INSN_WORDS];
        cr_assert(eq(int, qm_insn_pack(&insn, words, &diag), QM_OK));
        memset(&back, 0xff, sizeof back);
        qm_insn_unpack(words, &back);
        for (size_t i = 0; i < qm_field_count; i++) {
            bool applies = qm_field_applies(&qm_fields[i], insn.opcode);
            cr_assert(eq(i64, qm_field_value(&qm_fields[i], &back), applies ? qm_field_value(&qm_fields[i], &insn) : 0));
        }
    }
}

Test(isa, finds_bits_that_no_field_covers) {
    struct qm_prng prng;
    qm_prng_init(&prng, 5);
    for (int64_t opcode = 0; opcode < 256; opcode++) {
        uint32_t covered[QM_INSN_WORDS] = {0};
        for (size_t i = 0; i < qm_field_count; i++)
            if (qm_field_applies(&qm_fields[i], opcode))
                covered[qm_fields[i].word] |= (uint32_t)((((uint64_t)1 << qm_fields[i].width) - 1) << qm_fields[i].lsb);
        for (int bit = 8; bit < 32 * QM_INSN_WORDS; bit++) {
            uint32_t words[QM_INSN_WORDS] = {(uint32_t)opcode};
            words[bit / 32] |= 1u << bit % 32;
            bool is_covered = (covered[bit / 32] >> bit % 32 & 1) != 0;
            cr_assert(qm_insn_has_reserved_bits(words) != is_covered, "opcode %ld, bit %d", (long)opcode, bit);
        }
    }
}
