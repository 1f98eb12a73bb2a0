// Children that end by a wild access and by abort; the parent tells.
//# processes: 4
//# child: 1 fault
//# child: 2 abort
//# child: 3 killed
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static int *volatile nowhere = (int *)16;
int main(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  for (int i = 0; i < 3; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
      if (i == 0) *nowhere = 1;
      if (i == 1) abort();
      kill(getpid(), SIGKILL);
    }
    waitpid(pid, &status, 0);
    printf("%d: signal %d\n", i, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  }
  return 0;
}
