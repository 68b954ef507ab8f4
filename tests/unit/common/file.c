/* file.c - files are read whole and written whole or not at all, and names are found. */
#include "common/file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct qm_diag diag;
static char folder[] = "/tmp/qmac-file-XXXXXX";
static char path[64];

static void setup(void) {
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/a", folder);
}

static void teardown(void) {
    unlink(path);
    rmdir(folder);
}

TestSuite(file, .init = setup, .fini = teardown);

static int count_files(void) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, NULL);
    for (int i = 0; i < count; i++) free(entries[i]);
    free(entries);
    return count - 2; /* . and .. */
}

Test(file, what_is_written_is_read_again_and_replaced_whole) {
    uint8_t *bytes;
    size_t size;
    cr_assert(qm_file_write(path, "first, and longer", 17, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_file_write(path, "second", 6, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_file_read(path, 6, &bytes, &size, &diag) == QM_OK, "%s", diag.text);
    cr_assert(size == 6 && memcmp(bytes, "second", 7) == 0); /* with the 0 behind it */
    cr_assert(eq(int, count_files(), 1));
    free(bytes);
}

Test(file, large_files_are_read_whole_and_longer_ones_refused) {
    size_t want = 300000, size;
    uint8_t *data = malloc(want), *bytes;
    for (size_t i = 0; i < want; i++) data[i] = (uint8_t)(i * 7 + i / 256);
    cr_assert(qm_file_write(path, data, want, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_file_read(path, want, &bytes, &size, &diag) == QM_OK, "%s", diag.text);
    cr_assert(size == want && memcmp(bytes, data, want) == 0);
    free(bytes);
    cr_assert(eq(int, qm_file_read(path, want - 1, &bytes, &size, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "longer than 299999 bytes") != NULL, "%s", diag.text);
    free(data);
}

static void refused(const char *file, const char *words) {
    uint8_t *bytes;
    size_t size;
    cr_expect(eq(int, qm_file_read(file, 1000, &bytes, &size, &diag), QM_BAD_INPUT), "%s", file);
    cr_expect(strstr(diag.text, words) != NULL, "%s", diag.text);
}

Test(file, only_what_has_an_end_is_read) {
    alarm(10);
    refused(folder, "is a folder, not a file");
    refused("/dev/zero", "is a device, not a file");
    refused("/dev/null", "is a device, not a file");
    cr_assert(mkfifo(path, 0600) == 0);
    refused(path, "is a pipe with nothing in it, to which nobody writes");
    unlink(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    refused(path, "is a socket, not a file");
    close(listener);
}

/* Somebody who takes his time. */
static pid_t start_writer(int output, size_t bytes) {
    pid_t child = fork();
    if (child != 0) return child;
    for (size_t i = 0; i < bytes; i++) {
        if (i % 400 == 0) usleep(20000);
        if (write(output, "abcdefg" + i % 7, 1) != 1) break;
    }
    _exit(0);
}

Test(file, a_pipe_with_a_writer_is_read_to_its_end) {
    alarm(10);
    int ends[2];
    char name[40];
    uint8_t *bytes;
    size_t size;
    cr_assert(pipe(ends) == 0);
    pid_t writer = start_writer(ends[1], 1000);
    close(ends[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    cr_assert(qm_file_read(name, 1000, &bytes, &size, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(sz, size, 1000));
    for (size_t i = 0; i < size; i++) cr_assert(bytes[i] == (uint8_t) "abcdefg"[i % 7]);
    free(bytes);
    cr_assert(waitpid(writer, NULL, 0) == writer);
    writer = start_writer(ends[1] = open(name, O_WRONLY), 1001);
    close(ends[1]);
    refused(name, "longer than 1000 bytes");
    close(ends[0]);
    cr_assert(waitpid(writer, NULL, 0) == writer);
}

Test(file, what_says_no_size_is_read_all_the_same) {
    uint8_t *bytes;
    size_t size;
    cr_assert(qm_file_read("/proc/self/status", 1 << 16, &bytes, &size, &diag) == QM_OK, "%s", diag.text);
    cr_assert(size > 100 && strncmp((char *)bytes, "Name:", 5) == 0);
    free(bytes);
    refused("/proc/self/maps", "longer than 1000 bytes");
}

Test(file, what_cannot_be_written_leaves_nothing_behind) {
    snprintf(path, sizeof path, "%s/a", folder);
    cr_assert(mkdir(path, 0777) == 0);
    cr_assert(eq(int, qm_file_write(path, "x", 1, &diag), QM_BAD_INPUT)); /* a folder cannot be replaced */
    cr_assert(eq(int, count_files(), 1));
    cr_assert(rmdir(path) == 0);
    cr_assert(eq(int, qm_file_write("/dev/full", "x", 1, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "No space left") != NULL, "%s", diag.text);
}

Test(file, names_are_found_in_the_tree_that_qmac_home_names) {
    char found[QM_PATH_BYTES], name[16];
    cr_assert(qm_file_find_spec("machines", "edge", found, &diag) == QM_OK, "%s", diag.text);
    qm_file_base_name(found, name, sizeof name);
    cr_assert(eq(str, name, "edge"));
    setenv("QMAC_HOME", folder, 1);
    cr_assert(eq(int, qm_file_find_spec("machines", "edge", found, &diag), QM_BAD_INPUT));
    cr_assert(eq(int, qm_file_find_spec("machines", "./edge.yaml", found, &diag), QM_OK));
    cr_assert(eq(str, found, "./edge.yaml"));
}
