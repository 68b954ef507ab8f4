/* home.h - finds the files that come with qmac. No path is compiled in: a tree that is copied or moved uses its own files.
 *
 * The home is $QMAC_HOME when that is set, else the nearest folder above the running program that has spec/isa.def.
 */
#ifndef QM_COMMON_HOME_H
#define QM_COMMON_HOME_H

#include <stddef.h>

#include "common/status.h"

enum { QM_PATH_BYTES = 4096 };

/* The path of a file of the home, "spec/machines" say, to path [QM_PATH_BYTES]; it need not exist. QM_BAD_INPUT when there is no
 * home. */
QM_MUST_USE enum qm_status qm_home_path(const char *name, char *path, struct qm_diag *diag);

/* The path of a file beside the running program, to path [QM_PATH_BYTES]; name NULL: the program itself.
 * QM_INTERNAL when the system does not tell. */
QM_MUST_USE enum qm_status qm_program_path(const char *name, char *path, struct qm_diag *diag);

/* Joins the parts, the last of which is NULL, to path [QM_PATH_BYTES]; QM_BAD_INPUT when they are too long: nothing is cut silently. */
QM_MUST_USE enum qm_status qm_path_join(char *path, struct qm_diag *diag, ...) __attribute__((sentinel));

#endif
