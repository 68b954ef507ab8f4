/* commands.h - the commands of qmac, a file each, in the order of the help. */
#ifndef QM_TOOLS_COMMANDS_H
#define QM_TOOLS_COMMANDS_H

#include "tools/qmac/options.h"

#define CLI_COMMANDS(COMMAND)                                                                                                              \
    COMMAND(run)                                                                                                                           \
    COMMAND(compile)                                                                                                                       \
    COMMAND(disasm)                                                                                                                        \
    COMMAND(info)                                                                                                                          \
    COMMAND(explore)                                                                                                                       \
    COMMAND(quantize)                                                                                                                      \
    COMMAND(explain)                                                                                                                       \
    COMMAND(diff)                                                                                                                          \
    COMMAND(verify)                                                                                                                        \
    COMMAND(watch)                                                                                                                         \
    COMMAND(area)

#define CLI_COMMAND(name) extern const struct cli_command cli_command_##name;
CLI_COMMANDS(CLI_COMMAND)
#undef CLI_COMMAND

#endif
