/* commands.h - the commands of qmac. Each takes its own argv (argv[0] is the command's name) and returns the exit status. */
#ifndef QM_TOOLS_COMMANDS_H
#define QM_TOOLS_COMMANDS_H

int qm_cmd_run(int argc, char **argv);
int qm_cmd_compile(int argc, char **argv);
int qm_cmd_disasm(int argc, char **argv);
int qm_cmd_info(int argc, char **argv);
int qm_cmd_explore(int argc, char **argv);
int qm_cmd_verify(int argc, char **argv);

#endif
