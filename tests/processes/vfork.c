// vfork and exec; clone-like starts by system are elsewhere.
//# processes: 4
//# child: 1 exec
//# child: 2 exec
//# child: 3 exec
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static int run(const char *words) {
  int status;
  pid_t pid = vfork();
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", words, (char *)NULL);
    _exit(127);
  }
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}
int main(void) {
  for (int i = 0; i < 3; i++) {
    char words[20];
    snprintf(words, sizeof words, "exit %d", i * 11);
    printf("%d\n", run(words));
  }
  return 0;
}
