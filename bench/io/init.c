/* SPDX-License-Identifier: MIT
 * The first process of bench/io's Linux: loads the modules that /modules lists, mounts the host's directory
 * by 9P over virtio, runs the program on it, then through a pipe, and turns the machine off. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void load(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0) perror(path);
  close(fd);
}

static pid_t start(char** arguments, int input, int output) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (input != 0) dup2(input, 0);
  if (output != 1) dup2(output, 1);
  execv("/io", arguments);
  perror("/io");
  _exit(1);
}

int main(int argc, char** argv) {
  char line[200];
  (void)argc;
  FILE* modules = fopen("/modules", "r");
  while (modules != NULL && fgets(line, sizeof line, modules) != NULL) {
    line[strcspn(line, "\n")] = 0;
    load(line);
  }
  mkdir("/d", 0755);
  if (mount("host", "/d", "9p", 0, argv[1]) != 0) perror("mount");
  char* files[] = {"io", "/d", argv[2], argv[3], NULL};
  start(files, 0, 1);
  wait(NULL);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) perror("pipe");
  char *source[] = {"io", "source", argv[2], NULL}, *sink[] = {"io", "sink", NULL};
  start(source, 0, ends[1]);
  start(sink, ends[0], 1);
  close(ends[0]);
  close(ends[1]);
  while (wait(NULL) > 0) {
  }
  syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
  return 0;
}
