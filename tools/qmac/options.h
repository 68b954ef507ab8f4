/* options.h - the options of a command are rows of a table: what an option is called, what it takes, what the help says of it, and which
 * field of the command's struct it fills and how. The parser, --help, and in qmac verify the command that finds a difference again, read
 * the table: a new option is one row and its field.
 */
#ifndef QM_TOOLS_OPTIONS_H
#define QM_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/status.h"

struct cli_option;

/* Takes the value of an option, NULL for one that has none, into a field; the text stays where it is. QM_BAD_INPUT names the option. */
typedef enum qm_status cli_setter(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag);

/* One of the words that an option takes, and what the help says of it in brackets or NULL. */
struct cli_word {
    const char *name, *note;
};
/* The word of that index; behind the last its name is NULL, and its note what all of them are: "engine". */
typedef struct cli_word cli_words(unsigned index);

/* What a qmac verify compares: a network, a program test, random programs. */
enum cli_subject { CLI_NETWORK = 1, CLI_TEXT = 2, CLI_RANDOM = 4, CLI_ALL = 7 };

/* A table ends with a row without name and group. */
struct cli_option {
    const char *name;  /* "machine" of --machine */
    const char *value; /* what it takes, as the help calls that: "FILE"; NULL: nothing */
    const char *help;  /* lines are parted by '\n' */
    cli_setter *take;
    size_t field;                   /* what it fills: an offset in the command's struct */
    cli_words *words;               /* that it takes, for the end of the help; or NULL */
    unsigned at_most;               /* of cli_take_list: how often it may be given */
    char letter;                    /* of -o; 0: none */
    unsigned not_for;               /* subjects for which qmac verify has no use for it */
    unsigned not_again;             /* subjects whose differences are found again without it */
    const struct cli_option *group; /* in place of all but field: the rows of another table, whose struct is that field */
};

struct cli_given {
    struct cli_option option;
    const char *value;
};

/* A command line, and what stands on it. */
struct cli_line {
    int argc;
    char **argv;             /* argv[0] is the command's name */
    struct qm_arena *arena;  /* lives as long as the command */
    struct cli_given *given; /* [given_count] the options in order */
    unsigned given_count;
    char **files; /* [file_count] what is no option */
    int file_count;
    bool has_helped;
};

struct cli_command {
    const char *name, *about;                            /* for qmac --help */
    const char *usage;                                   /* how the help begins */
    const char *more;                                    /* how it ends, or NULL */
    const struct cli_option *options;                    /* NULL: none */
    size_t size;                                         /* of its struct, which the options fill and which is zeroed before */
    void (*begin)(void *fields, struct qm_arena *arena); /* sets defaults that are not 0, or NULL */
    enum qm_status (*run)(const struct cli_line *line, void *fields, struct qm_diag *diag);
};

/* Fills fields, the command's struct, and line, but for argc, argv and arena. At --help or -h it prints the help and goes no
 * further. An unknown option, a missing value and a value that the option does not take are QM_BAD_INPUT. */
QM_MUST_USE enum qm_status cli_take_options(struct cli_line *line, const struct cli_command *command, void *fields, struct qm_diag *diag);
/* The one file of the line. */
QM_MUST_USE enum qm_status cli_take_file(const struct cli_line *line, const char **file, struct qm_diag *diag);

/* Setters, and what they fill. */
enum { CLI_LIST_MAX = 128 };
struct cli_list {
    const char *items[CLI_LIST_MAX];
    unsigned count;
};
struct cli_number {
    uint64_t value;
    bool is_given;
};
cli_setter cli_take_flag;        /* bool */
cli_setter cli_take_text;        /* const char *, the last one given */
cli_setter cli_take_list;        /* struct cli_list */
cli_setter cli_take_number;      /* struct cli_number, a whole one */
cli_setter cli_take_max_cycles;  /* the same, at least 1 */
cli_setter cli_take_probability; /* double from 0 to 0.95 */

/* The index of a word that stands behind the option; an unknown one is QM_BAD_INPUT with the words there are. */
QM_MUST_USE enum qm_status cli_find_word(cli_words *words, const char *option, const char *word, unsigned *index, struct qm_diag *diag);

#endif
