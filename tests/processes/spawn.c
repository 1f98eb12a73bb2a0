// posix_spawn with file actions and attributes, and spawn by search path.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static int run(const char *path, char *const words[], char *const env[], char *text, size_t size) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  int p[2], status;
  pid_t pid;
  size_t used = 0;
  ssize_t n;
  if (pipe2(p, O_CLOEXEC) != 0) return -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, p[1], 1);
  posix_spawn_file_actions_addclose(&actions, p[0]);
  posix_spawnattr_init(&attributes);
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int r = path[0] == '/' ? posix_spawn(&pid, path, &actions, &attributes, words, env) : posix_spawnp(&pid, path, &actions, &attributes, words, env);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(p[1]);
  if (r != 0) { close(p[0]); return -r; }
  while ((n = read(p[0], text + used, size - used - 1)) > 0) used += (size_t)n;
  text[used] = 0;
  close(p[0]);
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}
int main(void) {
  char text[300] = "", *env[] = {"GREETING=hello", NULL};
  char *shell[] = {"sh", "-c", "echo $GREETING from $0; exit 5", "there", NULL}, *echo[] = {"echo", "found", NULL}, *no[] = {"no", NULL};
  int r = run("/bin/sh", shell, env, text, sizeof text);
  printf("%d %s", r, text);
  r = run("echo", echo, environ, text, sizeof text);
  printf("%d %s", r, text);
  printf("%s\n", strerror(-run("/nowhere/at/all", no, environ, text, sizeof text)));
  return 0;
}
