// What handlers find in their third argument, and what they leave in the mask there.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
static char area[65536];
static volatile int ticks, given, held, stack_known;
static volatile long places;
static void tick(int s, siginfo_t *i, void *p) {
  ucontext_t *c = p;
  places += c->uc_mcontext.gregs[REG_RIP] != 0 && c->uc_mcontext.gregs[REG_RSP] != 0 && c->uc_mcontext.fpregs != NULL;
  held += sigismember(&c->uc_sigmask, s) + 10 * sigismember(&c->uc_sigmask, SIGUSR2);
  stack_known += c->uc_stack.ss_sp == area && c->uc_stack.ss_size == sizeof area;
  given += c->uc_link == NULL && i->si_signo == s;
  ticks++;
}
static void leaves(int s, siginfo_t *i, void *p) { ucontext_t *c = p; sigaddset(&c->uc_sigmask, SIGUSR2); }
static int blocked(int s) { sigset_t m; sigprocmask(SIG_BLOCK, NULL, &m); return sigismember(&m, s); }
int main(void) {
  stack_t stack = { .ss_sp = area, .ss_size = sizeof area };
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_sigaction = tick; a.sa_flags = SA_SIGINFO;
  sigaction(SIGALRM, &a, NULL); sigaction(SIGUSR1, &a, NULL); sigaction(SIGSEGV, &a, NULL);
  sigaltstack(&stack, NULL);
  raise(SIGUSR1); raise(SIGSEGV); kill(getpid(), SIGUSR1);
  struct itimerval t = {{0, 5000}, {0, 5000}}, none = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &t, NULL);
  while (ticks < 8) { }
  setitimer(ITIMER_REAL, &none, NULL);
  printf("%d %d %d %d\n", places == ticks, held, stack_known == ticks, given == ticks);
  a.sa_sigaction = leaves; sigaction(SIGUSR1, &a, NULL);
  printf("%d", blocked(SIGUSR2)); raise(SIGUSR1); printf(" %d\n", blocked(SIGUSR2));
  a.sa_sigaction = tick; sigaction(SIGUSR1, &a, NULL);
  held = 0; raise(SIGUSR1); printf("%d\n", held);
  return 0;
}
