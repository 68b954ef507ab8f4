/* status.h - how a function says that it failed.
 *
 * Every fallible function returns enum qm_status and takes a struct qm_diag, which it fills with one line for the user: the file, the place
 * (line or byte offset), what is wrong, what to do. Rooms never print and never exit; tools/ does. The values are the exit statuses
 * of the command line. QM_CHECK is for our own mistakes: always on, it aborts.
 */
#ifndef QM_COMMON_STATUS_H
#define QM_COMMON_STATUS_H

enum qm_status {
    QM_OK = 0,
    QM_MISMATCH = 1,  /* a comparison failed */
    QM_BAD_INPUT = 2, /* the user's: a file, an option, a limit of the machine */
    QM_INTERNAL = 3,  /* ours, or the system's (out of memory, a tool that failed) */
};

#define QM_MUST_USE __attribute__((warn_unused_result))

struct qm_diag {
    char text[1024];
};

/* Fills diag with the formatted text as one line (common/text.h says how control characters are shown;
 * what is too long is cut) and returns status. */
enum qm_status qm_fail(struct qm_diag *diag, enum qm_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define QM_TRY(expr)                                                                                                                       \
    do {                                                                                                                                   \
        enum qm_status qm_try_status = (expr);                                                                                             \
        if (qm_try_status != QM_OK) return qm_try_status;                                                                                  \
    } while (0)

void qm_check_failed(const char *file, int line, const char *what) __attribute__((noreturn));

#define QM_CHECK(cond) ((cond) ? (void)0 : qm_check_failed(__FILE__, __LINE__, #cond))

#endif
