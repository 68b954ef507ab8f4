/* page_figures.c - whether every figure that a page shows is that of the JSON, and every one of the JSON is shown.
 *
 *   build/page_figures FILE.json DOM.html      exit status 0: they are equal; else a line for each difference
 * In the page a figure is an element with data-figure="path" data-value="number or words".
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 400 };

struct shown {
    char *path, *value;
};

struct comparison {
    struct shown *list; /* [count] sorted by path */
    size_t count, differences;
};

static char *read_all(const char *file) {
    FILE *in = fopen(file, "rb");
    char *text = NULL;
    size_t size = 0;
    if (in == NULL || getdelim(&text, &size, '\0', in) < 0) {
        fprintf(stderr, "%s: cannot be read\n", file);
        exit(2);
    }
    fclose(in);
    return text;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct shown *)a)->path, ((const struct shown *)b)->path);
}

/* The text of an attribute up to its quote, which it ends; *at moves behind. */
static char *take_quoted(char **at) {
    char *text = *at, *quote = strchr(text, '"');
    *quote = '\0';
    *at = quote + 1;
    return text;
}

static void take_shown(char *page, struct comparison *all) {
    static const char mark[] = "data-figure=\"", value[] = "data-value=\"";
    for (char *at = page; (at = strstr(at, mark)) != NULL;) {
        all->list = realloc(all->list, (all->count + 1) * sizeof *all->list);
        struct shown *shown = &all->list[all->count++];
        at += strlen(mark);
        shown->path = take_quoted(&at);
        at = strstr(at, value) + strlen(value);
        shown->value = take_quoted(&at);
    }
    qsort(all->list, all->count, sizeof *all->list, by_path);
}

/* cJSON writes 15 digits where these are as good as the number to it, and CSV all that the number has. */
static bool is_same_number(double number, const char *value) {
    char *end;
    double got = strtod(value, &end);
    return value[0] != '\0' && *end == '\0' && fabs(got - number) <= 1e-14 * fabs(number);
}

/* Words as they are, but for those that HTML writes in another way. */
static bool is_same(const cJSON *item, const char *value) {
    if (cJSON_IsNull(item)) return strcmp(value, "null") == 0;
    if (cJSON_IsBool(item)) return strcmp(value, cJSON_IsTrue(item) ? "true" : "false") == 0;
    if (cJSON_IsNumber(item)) return is_same_number(item->valuedouble, value);
    return strcmp(value, item->valuestring) == 0 || strpbrk(item->valuestring, "&<>\"") != NULL;
}

static void judge(const cJSON *item, const char *path, struct comparison *all) {
    struct shown key = {.path = (char *)path};
    const struct shown *first = bsearch(&key, all->list, all->count, sizeof key, by_path);
    if (first == NULL) {
        printf("%s: is not shown\n", path);
        all->differences++;
        return;
    }
    while (first > all->list && strcmp(first[-1].path, path) == 0) first--;
    for (; first < all->list + all->count && strcmp(first->path, path) == 0; first++) {
        if (is_same(item, first->value)) continue;
        printf("%s: the page has %s\n", path, first->value);
        all->differences++;
    }
}

/* Keys that a page of a sweep says once for all points, or not at all: shown is what differs, and every figure of it. */
static void walk(const cJSON *item, const char *path, bool only_shown, struct comparison *all) {
    char inner[PATH_BYTES];
    size_t index = 0;
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item)) {
        struct shown key = {.path = (char *)path};
        if (!only_shown || bsearch(&key, all->list, all->count, sizeof key, by_path) != NULL) judge(item, path, all);
        return;
    }
    for (const cJSON *child = item->child; child != NULL; child = child->next, index++) {
        const char *dot = path[0] != '\0' ? "." : "";
        if (child->string != NULL)
            snprintf(inner, sizeof inner, "%s%s%s", path, dot, child->string);
        else
            snprintf(inner, sizeof inner, "%s%s%zu", path, dot, index);
        walk(child, inner, only_shown, all);
    }
}

int main(int argc, char **argv) {
    struct comparison all = {0};
    if (argc != 3) return 2;
    char *json = read_all(argv[1]), *page = read_all(argv[2]);
    cJSON *root = cJSON_Parse(json);
    if (root == NULL) return 2;
    take_shown(page, &all);
    walk(root, "", cJSON_GetObjectItem(root, "points") != NULL, &all);
    printf("%zu figures in the page, %zu differences\n", all.count, all.differences);
    return all.count > 0 && all.differences == 0 ? 0 : 1;
}
