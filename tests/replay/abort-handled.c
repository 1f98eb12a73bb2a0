// Handlers of SIGABRT come first where the program calls abort: they jump away, or print and end the program.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static sigjmp_buf back;
static volatile int count;
static void jumps(int s) { count += s == SIGABRT; siglongjmp(back, s); }
static void informed(int s, siginfo_t *i, void *c) { printf("%d %d %d\n", s, i->si_signo, c != NULL); siglongjmp(back, 2); }
static void ends(int s) { printf("ends %d %d\n", s, count); fflush(stdout); _exit(3); }
__attribute__((noinline)) static int give_up(int blocked) {
  sigset_t set, now;
  sigemptyset(&set); sigaddset(&set, SIGABRT);
  if (blocked) sigprocmask(SIG_BLOCK, &set, NULL);
  int r = sigsetjmp(back, 1);
  if (r == 0) abort();
  sigprocmask(SIG_UNBLOCK, &set, &now);
  return r * 10 + sigismember(&now, SIGABRT);
}
//# status: 3
int main(void) {
  struct sigaction a;
  memset(&a, 0, sizeof a);
  signal(SIGABRT, jumps);
  for (int i = 0; i < 3; i++) printf("%d %d\n", give_up(i & 1), time(NULL) > 0);
  a.sa_sigaction = informed; a.sa_flags = SA_SIGINFO; sigaction(SIGABRT, &a, NULL);
  printf("%d\n", give_up(0));
  signal(SIGABRT, ends);
  abort();
}
