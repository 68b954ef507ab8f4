/* version.h - the one place of the version. */
#ifndef QM_COMMON_VERSION_H
#define QM_COMMON_VERSION_H

#define QM_VERSION "0.1.0"

#endif
