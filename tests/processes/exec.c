// A child executes this program again, with other arguments and environment; exec that fails goes on.
//# processes: 2
//# child: 1 exec
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words) {
  if (count > 1) {
    const char *value = getenv("PASSED");
    printf("executed with %s and %s\n", words[1], value ? value : "nothing");
    return (int)strlen(words[1]);
  }
  char *none[] = {"none", NULL};
  printf("%d %s\n", execv("/nowhere/at/all", none), strerror(errno));
  int p[2], status;
  if (pipe(p) != 0) return 1;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char *env[] = {"PASSED=a value", NULL};
    dup2(p[1], 1);
    close(p[0]);
    close(p[1]);
    execle("/proc/self/exe", "again", "arguments", (char *)NULL, env);
    _exit(99);
  }
  close(p[1]);
  char text[100];
  ssize_t n = 0, r;
  while ((r = read(p[0], text + n, sizeof text - 1 - (size_t)n)) > 0) n += r;
  text[n] = 0;
  waitpid(pid, &status, 0);
  printf("%d: %s", WEXITSTATUS(status), text);
  return 0;
}
