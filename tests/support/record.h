/* record.h - results of many named cases against a text file that says for each `pass`, or the words with which it is refused.
 *
 * A line is the case's name, spaces, and the words. Every case must have one, so that a case that begins to pass or to fail is noticed.
 */
#ifndef QM_TESTS_SUPPORT_RECORD_H
#define QM_TESTS_SUPPORT_RECORD_H

struct record {
    const char *file;
    int passed, refused, wrong;
    char mismatches[4000]; /* names of what is not as recorded, as many as fit */
};

/* Prints the case and counts it; text is "pass" or what is wrong. */
void record_check(struct record *record, const char *name, const char *text);
/* Prints the counts and what is not as recorded; the exit status: 0 when something passed and all is as recorded. */
int record_close(const struct record *record);

#endif
