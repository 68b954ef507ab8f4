/* commands.h - the commands of qmac, a file each. */
#ifndef QM_TOOLS_COMMANDS_H
#define QM_TOOLS_COMMANDS_H

#include "tools/qmac/options.h"

extern const struct cli_command cli_command_run, cli_command_compile, cli_command_disasm, cli_command_info, cli_command_explore,
    cli_command_explain, cli_command_diff, cli_command_verify;

#endif
