/* trace_check.c - whether a trace of qmac run is one that Perfetto takes, and is of the report.
 *
 *   build/trace_check TRACE.json REPORT.json     exit status 0: slices of a lane do not overlap and are in rising order, steps take as many
 * cycles as the report says and hold all instructions, there are as many of these as the report counts, and counters are finite.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 4096 };

struct found {
    double until[LANES_MAX], step_cycles;
    unsigned instructions, counters, lanes;
};

static cJSON *read_json(const char *file) {
    FILE *in = fopen(file, "rb");
    char *text = NULL;
    size_t size = 0;
    if (in == NULL || getdelim(&text, &size, '\0', in) < 0) exit(2);
    fclose(in);
    cJSON *root = cJSON_ParseWithOpts(text, NULL, 1);
    free(text);
    if (root != NULL) return root;
    printf("%s: is not JSON\n", file);
    exit(1);
}

static double number_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItem(object, key);
    if (cJSON_IsNumber(item) && isfinite(item->valuedouble)) return item->valuedouble;
    printf("%s is missing: %s\n", key, cJSON_PrintUnformatted(object));
    exit(1);
}

static void take_slice(const cJSON *event, struct found *found) {
    double from = number_of(event, "ts"), cycles = number_of(event, "dur");
    unsigned lane = (unsigned)number_of(event, "tid");
    if (lane >= LANES_MAX || from < found->until[lane] || cycles < 1 || from != floor(from) || cycles != floor(cycles) ||
        (lane > 0 && from + cycles > found->until[0])) {
        printf("not in its place: %s\n", cJSON_PrintUnformatted(event));
        exit(1);
    }
    found->until[lane] = from + cycles;
    if (lane == 0)
        found->step_cycles += cycles;
    else
        found->instructions++;
}

static void take_event(const cJSON *event, struct found *found) {
    const char *phase = cJSON_GetStringValue(cJSON_GetObjectItem(event, "ph"));
    if (phase == NULL || cJSON_GetStringValue(cJSON_GetObjectItem(event, "name")) == NULL) exit(1);
    if (strcmp(phase, "X") == 0) take_slice(event, found);
    if (strcmp(phase, "C") == 0) {
        number_of(cJSON_GetObjectItem(event, "args"), "value");
        found->counters++;
    }
}

int main(int argc, char **argv) {
    struct found found = {0};
    if (argc != 3) return 2;
    const cJSON *trace = read_json(argv[1]), *report = read_json(argv[2]), *event;
    cJSON_ArrayForEach(event, cJSON_GetObjectItem(trace, "traceEvents")) take_event(event, &found);
    double cycles = number_of(report, "cycles"), counted = number_of(cJSON_GetObjectItem(report, "counters"), "instructions");
    printf("%u instructions of %.0f, %.0f cycles of %.0f, %u counters\n", found.instructions, counted, found.step_cycles, cycles,
           found.counters);
    return found.instructions == counted && found.step_cycles == cycles && found.counters > 0 ? 0 : 1;
}
