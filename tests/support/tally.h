/* tally.h - what became of random networks, counted by name: by the reason of a refusal, or by the operators that made a tensor. */
#ifndef QM_TESTS_SUPPORT_TALLY_H
#define QM_TESTS_SUPPORT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TALLY_MAX = 1000, TALLY_NAME_BYTES = 200 };

enum verdict { RIGHT, DIFFERENT, REFUSED, UNDECIDED, VERDICTS };

/* Counts by a name, each with the first seed that something was wrong with. */
struct tally {
    uint32_t count;
    struct tally_row {
        char name[TALLY_NAME_BYTES];
        uint32_t alone[VERDICTS], together[VERDICTS]; /* with no other name, with others */
        uint64_t seed;
    } rows[TALLY_MAX];
};

void tally_add(struct tally *tally, const char *name, bool alone, enum verdict verdict, uint64_t seed);
/* Both sort the tally, what is wrong most often first. */
void tally_print_reasons(struct tally *tally);
void tally_print_operators(struct tally *tally);

/* The reason of a refusal without names and numbers: both have digits; a node's name stands in parentheses. */
void tally_reason(const char *message, char *text, size_t size);

#endif
