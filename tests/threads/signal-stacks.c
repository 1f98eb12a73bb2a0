// Handlers on the alternate stacks of threads, and their contexts.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
enum { SIZE = 65536 };
static __thread char *stack;
static __thread volatile int ticks, right;
static void tick(int s, siginfo_t *i, void *p) {
  char here;
  stack_t now;
  ucontext_t *c = p;
  sigaltstack(NULL, &now);
  ticks++;
  right += &here >= stack && &here < stack + SIZE && (now.ss_flags & SS_ONSTACK) && c->uc_stack.ss_sp == stack
    && c->uc_mcontext.gregs[REG_RSP] != 0 && !sigismember(&c->uc_sigmask, s);
}
static void *run(void *to) {
  stack = malloc(SIZE);
  stack_t new = { .ss_sp = stack, .ss_size = SIZE }, none = { .ss_flags = SS_DISABLE };
  sigaltstack(&new, NULL);
  raise(SIGUSR1);
  pthread_kill(*(pthread_t *)to, SIGUSR1);
  while (ticks < 2) { }
  printf("%d\n", ticks == right);
  sigaltstack(&none, NULL);
  free(stack);
  return NULL;
}
int main(void) {
  static char own[SIZE];
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_sigaction = tick; a.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGUSR1, &a, NULL);
  stack = own;
  stack_t new = { .ss_sp = own, .ss_size = SIZE };
  sigaltstack(&new, NULL);
  for (int i = 0; i < 3; i++) {
    pthread_t t, me = pthread_self();
    pthread_create(&t, NULL, run, &me);
    while (ticks <= i) { }
    pthread_kill(t, SIGUSR1);
    pthread_join(t, NULL);
  }
  printf("%d\n", ticks == right);
  return 0;
}
