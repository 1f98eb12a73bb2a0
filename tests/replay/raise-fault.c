// Signals of faults that somebody sends: handlers run where they ran, by return, siglongjmp and once only; a real fault comes again by itself.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "outside.h"
static sigjmp_buf back;
static volatile sig_atomic_t count, value, code;
static int *volatile nowhere;
static void returns(int s) { count += s; }
static void jumps(int s) { siglongjmp(back, s); }
static void tells(int s, siginfo_t *info, void *context) {
  (void)context;
  count += s;
  value = info->si_value.sival_int;
  code = info->si_code;
}
int main(void) {
  signal(SIGSEGV, returns);
  raise(SIGSEGV);
  printf("raised %d\n", (int)count);
  kill(getpid(), SIGSEGV);
  printf("killed %d\n", (int)count);
  signal(SIGFPE, jumps);
  int r = sigsetjmp(back, 1);
  if (r == 0) raise(SIGFPE);
  printf("jumped %d\n", r);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = tells;
  action.sa_flags = SA_SIGINFO | SA_RESETHAND;
  sigaction(SIGBUS, &action, NULL);
  sigqueue(getpid(), SIGBUS, (union sigval){ .sival_int = 42 });
  printf("queued %d, code is queue's: %d\n", (int)value, code == SI_QUEUE);
  sigaction(SIGBUS, NULL, &action);
  printf("once: %d\n", action.sa_handler == SIG_DFL);
  signal(SIGSEGV, jumps);
  r = sigsetjmp(back, 1);
  if (r == 0) *nowhere = 1;
  printf("faulted %d\n", r);
  r = sigsetjmp(back, 1);
  if (r == 0) raise(SIGSEGV);
  printf("raised again %d, %d\n", r, (int)count);
  printf("%d\n", read_all());
  return 0;
}
