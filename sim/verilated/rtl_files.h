/* rtl_files.h - what a build was made of: the files that Verilator read, each with a digest of what was in it, and the names of all files
 * of the Verilog's folder, since a new file can be found in the place of another.
 */
#ifndef QM_SIM_VERILATED_RTL_FILES_H
#define QM_SIM_VERILATED_RTL_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/digest.h"

struct rtl_file {
    const char *name; /* relative to the Verilog's folder, or absolute */
    struct qm_digest digest;
};

struct rtl_files {
    struct rtl_file *files; /* [count], sorted by name */
    size_t count;
    struct qm_digest names;
    struct qm_digest library; /* of what was built, to be set before it is written */
    struct qm_digest digest;  /* of the lines "DIGEST  NAME" of the files */
};

struct rtl_places {
    const char *source, *home; /* folders of the Verilog and of what comes with qmac, absolute */
};

/* Of the names of all files of the folder, links followed; QM_BAD_INPUT when one cannot be read, or is not a regular file. */
QM_MUST_USE enum qm_status rtl_files_names(const char *source, struct qm_digest *digest, struct qm_diag *diag);

/* The files in Verilator's list. names is of before Verilator ran. QM_BAD_INPUT when a file has changed since Verilator read it, or one
 * came or went. The names belong to arena. */
QM_MUST_USE enum qm_status rtl_files_of_list(const char *list, const struct rtl_places *places, const struct qm_digest *names,
                                             struct qm_arena *arena, struct rtl_files *files, struct qm_diag *diag);

/* Writes them to a file and reads them back; a file that is not one, or is damaged, is QM_BAD_INPUT. */
QM_MUST_USE enum qm_status rtl_files_write(const struct rtl_files *files, const char *file, struct qm_diag *diag);
QM_MUST_USE enum qm_status rtl_files_read(const char *file, struct qm_arena *arena, struct rtl_files *files, struct qm_diag *diag);

/* Of all that is in the list but the library: the name of the build's folder. */
void rtl_files_name(const struct rtl_files *files, struct qm_digest *name);

/* Whether the folder still has just these. */
bool rtl_files_hold(const struct rtl_files *files, const char *source, struct qm_arena *arena);

#endif
