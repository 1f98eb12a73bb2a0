// Handlers of faults that leave by siglongjmp, more than once, also from a stack of their own; one that opens what was closed.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
static sigjmp_buf back;
static void leave(int signal) { siglongjmp(back, signal); }
static int deep(int n) {
  volatile char room[1000];
  room[n % 1000] = (char)n;
  return n > 1000000000 ? 0 : deep(n + 1) + room[n % 1000];
}
static char *guarded;
static volatile int opened;
static void open_it(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  opened += info->si_addr == guarded + 2;
  mprotect(guarded, 4096, PROT_READ | PROT_WRITE);
}
int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = leave};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  // Null, and addresses that no process has.
  unsigned long addresses[] = {0, 1ul << 47, ~1ul, 8};
  for (int i = 0; i < 4; i++) {
    int r = sigsetjmp(back, 1);
    if (r == 0) *(volatile int *)addresses[i] = argc;
    printf("%d: %d after %d\n", i, r, getpid() > 0);
    fflush(stdout);
  }
  if (sigsetjmp(back, 1) == 0) __builtin_trap();
  stack_t own = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16}, was;
  sigaltstack(&own, &was);
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGSEGV, &action, NULL);
  int r = sigsetjmp(back, 1);
  if (r == 0) printf("%d\n", deep(argc));
  printf("overflow %d %d %d\n", r, was.ss_flags == SS_DISABLE, argv[argc] == NULL);
  struct sigaction opens = {.sa_sigaction = open_it, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &opens, NULL);
  guarded = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  guarded[1] = 1;
  mprotect(guarded, 4096, PROT_READ);
  guarded[2] = 3;
  printf("%d %d %d\n", guarded[1], guarded[2], opened);
  return 0;
}
