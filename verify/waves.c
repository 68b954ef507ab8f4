/* waves.c - frames as VCD: a scope for each block, a variable for each line of spec/probes.def, and a time unit for each cycle.
 *
 * What has no meaning in a cycle is x on the model's side; the RTL's side shows what the wires carry.
 */
#include "verify/waves.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/text.h"

enum { SIGNALS = QM_PROBES + QM_PROBE_DATAS, FIRST_ID = '!', KNOWN = 0xff };
_Static_assert(FIRST_ID + SIGNALS <= '~', "an identifier of a variable is one character");

/* A signal in one frame. */
struct sample {
    uint32_t bits;
    const uint8_t *data, *mask; /* mask NULL: all known */
    bool is_known;
};

struct range {
    uint64_t first, end;
};

static const struct qm_probe_info *info_of(int signal) {
    return signal < QM_PROBES ? &qm_probe_infos[signal] : &qm_probe_data_infos[signal - QM_PROBES];
}

static uint32_t bits_of(const struct qm_frames *frames, int signal) {
    return signal < QM_PROBES ? qm_probe_infos[signal].width : 8 * frames->layout.size[signal - QM_PROBES];
}

static struct sample sample_of(const struct qm_frames *frames, struct qm_frame *frame, int signal, bool of_rtl) {
    struct sample sample = {.bits = bits_of(frames, signal), .is_known = true};
    if (signal < QM_PROBES) {
        int gate = qm_probe_infos[signal].gate;
        sample.data = (const uint8_t *)&frame->values[signal];
        sample.is_known = of_rtl || gate < 0 || frame->values[gate] != 0;
        return sample;
    }
    enum qm_probe_data which = (enum qm_probe_data)(signal - QM_PROBES);
    sample.data = qm_frame_data(frames, frame, which);
    if (of_rtl) return sample;
    sample.is_known = frame->known[which] != QM_KNOWN_NOTHING;
    if (frame->known[which] == QM_KNOWN_MASKED) sample.mask = qm_frame_mask(frames, frame, which);
    return sample;
}

static bool same_sample(const struct sample *a, const struct sample *b) {
    size_t size = (a->bits + 7) / 8;
    if (a->is_known != b->is_known || (a->mask == NULL) != (b->mask == NULL)) return false;
    if (!a->is_known) return true;
    return memcmp(a->data, b->data, size) == 0 && (a->mask == NULL || memcmp(a->mask, b->mask, size) == 0);
}

static void write_sample(FILE *file, const struct sample *sample, int signal) {
    if (sample->bits > 1) fputc('b', file);
    for (uint32_t bit = sample->bits; bit-- > 0;) {
        bool known = sample->is_known && (sample->mask == NULL || sample->mask[bit / 8] == KNOWN);
        fputc(!known ? 'x' : (sample->data[bit / 8] >> bit % 8 & 1) != 0 ? '1' : '0', file);
    }
    fprintf(file, "%s%c\n", sample->bits > 1 ? " " : "", FIRST_ID + signal);
}

/* Signals of a unit stand together: values first, then data. */
static void write_scope(FILE *file, const struct qm_frames *frames, const char *unit) {
    fprintf(file, "$scope module %s $end\n", unit);
    for (int signal = 0; signal < SIGNALS; signal++)
        if (strcmp(info_of(signal)->unit, unit) == 0)
            fprintf(file, "$var wire %" PRIu32 " %c %s $end\n", bits_of(frames, signal), FIRST_ID + signal, info_of(signal)->name);
    fputs("$upscope $end\n", file);
}

/* The next signal from `signal` on whose unit is not among those before it. */
static int next_unit(int signal) {
    for (; signal < SIGNALS; signal++) {
        int before = 0;
        while (before < signal && strcmp(info_of(before)->unit, info_of(signal)->unit) != 0) before++;
        if (before == signal) break;
    }
    return signal;
}

void waves_head(const struct waves *waves) {
    fprintf(waves->file, "$comment %s: one time unit is one cycle $end\n$timescale 1 ns $end\n$scope module qmac $end\n",
            waves->of_rtl ? "RTL" : "model");
    for (int signal = next_unit(0); signal < SIGNALS; signal = next_unit(signal + 1))
        write_scope(waves->file, waves->frames, info_of(signal)->unit);
    fputs("$upscope $end\n$enddefinitions $end\n", waves->file);
}

void waves_frame(struct waves *waves, uint64_t index, uint64_t cycle) {
    const struct qm_frames *frames = waves->frames;
    struct qm_frame *frame = qm_frames_at(frames, index), *before = qm_frames_at(frames, waves->has_frame ? index - 1 : index);
    fprintf(waves->file, "#%" PRIu64 "\n", cycle);
    for (int signal = 0; signal < SIGNALS; signal++) {
        struct sample now = sample_of(frames, frame, signal, waves->of_rtl), was = sample_of(frames, before, signal, waves->of_rtl);
        if (!waves->has_frame || !same_sample(&now, &was)) write_sample(waves->file, &now, signal);
    }
    waves->has_frame = true;
}

/* A save file of GTKWave: a title for each unit, its signals in hexadecimal, the marker in the cycle of the difference. */
static void write_view(FILE *file, const struct qm_frames *frames, struct range range, uint64_t cycle) {
    enum { HEXADECIMAL = 0x22, TITLE = 0x200 };
    fprintf(file, "[timestart] %" PRIu64 "\n[size] 1600 900\n[pos] -1 -1\n*-4.0 %" PRIu64, qm_frames_at(frames, range.first)->cycle, cycle);
    for (int marker = 0; marker < 26; marker++) fputs(" -1", file);
    fputc('\n', file);
    for (int unit = next_unit(0); unit < SIGNALS; unit = next_unit(unit + 1)) {
        fprintf(file, "@%x\n-%s\n@%x\n", TITLE, info_of(unit)->unit, HEXADECIMAL);
        for (int signal = unit; signal < SIGNALS; signal++) {
            if (strcmp(info_of(signal)->unit, info_of(unit)->unit) != 0) continue;
            fprintf(file, "qmac.%s.%s", info_of(signal)->unit, info_of(signal)->name);
            if (bits_of(frames, signal) > 1) fprintf(file, "[%" PRIu32 ":0]", bits_of(frames, signal) - 1);
            fputc('\n', file);
        }
    }
}

/* Closes the stream, writes its text to a file of the folder, and frees the text. */
static enum qm_status write_file(const char *folder, const char *name, FILE *stream, char **text, const size_t *size,
                                 struct qm_diag *diag) {
    char path[QM_PATH_BYTES];
    qm_text_stream_close(stream);
    enum qm_status status = qm_path_join(path, diag, folder, "/", name, NULL);
    if (status == QM_OK) status = qm_file_write(path, *text, *size, diag);
    free(*text);
    return status;
}

static enum qm_status write_engine(const struct qm_device *pair, const char *folder, struct range range, bool of_rtl,
                                   struct qm_diag *diag) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    struct waves waves = {.file = stream, .frames = qm_lockstep_frames(pair, of_rtl), .of_rtl = of_rtl};
    waves_head(&waves);
    for (uint64_t i = range.first; i < range.end; i++) waves_frame(&waves, i, qm_frames_at(waves.frames, i)->cycle);
    return write_file(folder, of_rtl ? "rtl.vcd" : "model.vcd", stream, &text, &size, diag);
}

static enum qm_status write_view_file(const char *folder, const struct qm_frames *frames, struct range range, uint64_t cycle,
                                      struct qm_diag *diag) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    write_view(stream, frames, range, cycle);
    return write_file(folder, "view.gtkw", stream, &text, &size, diag);
}

enum qm_status waves_write(const struct qm_device *pair, const char *folder, struct qm_diag *diag) {
    const struct qm_frames *model = qm_lockstep_frames(pair, false), *rtl = qm_lockstep_frames(pair, true);
    struct qm_lockstep_surroundings around = qm_lockstep_surroundings(pair);
    if (!around.place.is_known) return QM_OK;
    uint64_t most = model->count > rtl->count ? model->count : rtl->count, end = model->count + rtl->count - most;
    struct range range = {.first = most > model->capacity ? most - model->capacity : 0, .end = end};
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return qm_fail(diag, QM_BAD_INPUT, "--waves %s: the folder cannot be made: %s", folder, strerror(errno));
    QM_TRY(write_engine(pair, folder, range, false, diag));
    QM_TRY(write_engine(pair, folder, range, true, diag));
    QM_TRY(write_view_file(folder, model, range, around.place.cycle, diag));
    printf("waveforms: cycles %" PRIu64 " to %" PRIu64 " of both, with the same names; they open with\n",
           qm_frames_at(model, range.first)->cycle, qm_frames_at(model, range.end - 1)->cycle);
    struct qm_shown shown = qm_shown(folder);
    printf("  twinwave %s/model.vcd %s/view.gtkw + %s/rtl.vcd %s/view.gtkw\n", shown.text, shown.text, shown.text, shown.text);
    return QM_OK;
}
