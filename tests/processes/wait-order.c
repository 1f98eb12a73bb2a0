// Children that end in any order: wait, waitpid with options, waitid, wait4; ends by exit, by signal, stopped and continued.
//# processes: 7
//# child: 5 killed
//# child: 6 killed
//# varies: output
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
enum { CHILDREN = 6 };
int main(void) {
  pid_t pids[CHILDREN];
  int status, order[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      for (volatile int k = 0; k < 20000 * (CHILDREN - i); k++) { }
      if (i == 4) raise(SIGKILL);
      if (i == 5) for (;;) pause();
      _exit(i + 20);
    }
  }
  printf("none yet %d\n", waitpid(pids[5], &status, WNOHANG) == 0);
  kill(pids[5], SIGSTOP);
  waitpid(pids[5], &status, WUNTRACED);
  printf("stopped %d\n", WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  kill(pids[5], SIGCONT);
  waitpid(pids[5], &status, WCONTINUED);
  printf("continued %d\n", WIFCONTINUED(status) != 0);
  kill(pids[5], SIGTERM);
  for (int n = 0; n < CHILDREN; n++) {
    struct rusage usage;
    siginfo_t info;
    pid_t pid;
    if (n % 3 == 0) pid = wait(&status);
    else if (n % 3 == 1) pid = wait4(-1, &status, 0, &usage);
    else { waitid(P_ALL, 0, &info, WEXITED | WNOWAIT); pid = waitpid(info.si_pid, &status, 0); }
    for (int i = 0; i < CHILDREN; i++) if (pids[i] == pid) order[n] = i;
    printf("%d: pid %d %s %d\n", order[n], (int)pid, WIFEXITED(status) ? "exit" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  }
  printf("no more %d\n", wait(&status) == -1);
  return 0;
}
