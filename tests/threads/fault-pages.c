// Pages are filled when somebody looks at them: the handler makes them readable, fills them and returns, and the load is made again. Several threads look at the same ones, by several loads in a row.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { THREADS = 4, PAGES = 64, ROUNDS = 20, WORDS = 4096 / sizeof(long) };
static long *pages;
static long faults[THREADS + 1], sums[THREADS + 1];
static _Thread_local int self;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t turn;
static char open_now[PAGES];
static long generation;

static void fault(int signal, siginfo_t *info, void *context) {
  (void)signal;
  ucontext_t *c = context;
  uintptr_t at = ((uintptr_t)info->si_addr - (uintptr_t)pages) / 4096;
  if (at >= PAGES || c->uc_mcontext.gregs[REG_CR2] != (greg_t)info->si_addr) _Exit(3);
  faults[self]++;
  pthread_mutex_lock(&lock);
  if (!open_now[at]) {
    long *page = pages + at * WORDS;
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    for (int i = 0; i < (int)WORDS; i++) page[i] = generation * 1000003 + (long)at * 4099 + i;
    open_now[at] = 1;
  }
  pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) static long look(const long *p, int i) { return p[i] + 3 * p[i + 1] + 5 * p[i + 2] - p[i + 3] + 7 * p[(i + 100) % (int)WORDS]; }

static void *works(void *arg) {
  self = (int)(long)arg;
  long sum = 0;
  for (int r = 0; r < ROUNDS; r++) {
    pthread_barrier_wait(&turn);
    for (int k = 0; k < PAGES; k++) {
      const long *p = pages + (k * (self * 2 + 1) + r) % PAGES * WORDS;
      sum = sum * 31 + look(p, (r * 17 + k) % ((int)WORDS - 4));
    }
    pthread_barrier_wait(&turn);
  }
  sums[self] = sum;
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  pages = mmap(NULL, PAGES * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_barrier_init(&turn, NULL, THREADS + 1);
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, works, (void *)(i + 1));
  for (int r = 0; r < ROUNDS; r++) {
    mprotect(pages, PAGES * 4096, PROT_NONE);
    memset(open_now, 0, sizeof open_now);
    generation = r;
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  long all = 0;
  for (int i = 1; i <= THREADS; i++) {
    all += faults[i];
    printf("%lx ", sums[i]);
  }
  printf("%ld\n", all);
  return 0;
}
