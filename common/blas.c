/* blas.c - see blas.h. The names and numbers are those of the C interface of BLAS, cblas.h. */
#include "common/blas.h"

#include <dlfcn.h>
#include <string.h>

static const char LIBRARY[] = "libopenblas.so.0";
enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };

enum qm_status qm_blas_open(struct qm_blas *blas, struct qm_diag *diag) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *threads = library != NULL ? dlsym(library, "openblas_set_num_threads") : NULL;
    void *sgemm = threads != NULL ? dlsym(library, "cblas_sgemm") : NULL;
    if (sgemm == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be loaded: %s: make deps installs it", LIBRARY, dlerror());
    void (*set_threads)(int);
    memcpy(&set_threads, &threads, sizeof threads);
    memcpy(&blas->sgemm, &sgemm, sizeof sgemm);
    set_threads(1);
    return QM_OK;
}

void qm_blas_multiply(const struct qm_blas *blas, const struct qm_blas_product *p) {
    if (p->m == 0 || p->n == 0) return;
    blas->sgemm(ROW_MAJOR, p->a_transposed ? TRANSPOSED : AS_IT_IS, p->b_transposed ? TRANSPOSED : AS_IT_IS, p->m, p->n, p->k, 1.0F, p->a,
                p->a_stride, p->b, p->b_stride, p->adds ? 1.0F : 0.0F, p->out, p->out_stride);
}
