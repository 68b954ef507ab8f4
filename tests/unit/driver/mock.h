/* mock.h - a device that is a script: every access that the driver may make, in order, and what it is answered.
 * Any other access fails the test.
 *
 * The device does nothing of its own, so each test says what hardware would do, also what broken hardware would.
 */
#ifndef QM_TESTS_UNIT_DRIVER_MOCK_H
#define QM_TESTS_UNIT_DRIVER_MOCK_H

#include "sim/device.h"

enum mock_kind {
    MOCK_WRITE,        /* of a register: at is its offset, value what is written */
    MOCK_READ,         /* of a register: value is the answer */
    MOCK_WAIT,         /* at is the limit in cycles; value 1: an interrupt came */
    MOCK_WRITE_MEMORY, /* at is the bus address, value the size */
    MOCK_READ_MEMORY,  /* the same; answered with zeros */
};

struct mock_access {
    enum mock_kind kind;
    uint64_t at;
    uint32_t value;
};

struct mock {
    struct qm_device device;
    const struct mock_access *script;
    size_t count, done;
};

void mock_init(struct mock *mock, const struct mock_access *script, size_t count);

/* Every access of the script was made. */
void mock_check_done(const struct mock *mock);

#endif
