// A load that threads may race for finds a page without access, first or last of several in a row: the handler makes it readable and returns. It is told where that was, and looks itself at what
// threads race for.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

struct node {
  long a, b, c;
  int d;
  short e;
  char f;
};

static struct node *shared, *other;
static pthread_barrier_t turn;
static long faults, seen;

static void fault(int signal, siginfo_t *info, void *context) {
  uintptr_t at = (uintptr_t)info->si_addr;
  ucontext_t *c = context;
  faults++;
  seen = seen * 31 + signal + info->si_code + (at - (uintptr_t)shared < sizeof *shared) + other->d;
  if (c->uc_mcontext.gregs[REG_CR2] != (greg_t)at || (c->uc_mcontext.gregs[REG_ERR] & 2) != 0) _Exit(3);
  mprotect((void *)(at & -4096), 4096, PROT_READ | PROT_WRITE);
}

static void *writes(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    pthread_barrier_wait(&turn);
    shared->b = i / 5;
    if (i % 7 == 0) shared->a = i;
    if (i % 3 == 0) other->d++;
    if (i % 4 == 1) other->e = (short)(i * 3);
    shared->f = (char)(i / 2);
    pthread_barrier_wait(&turn);
  }
  return NULL;
}

__attribute__((noinline)) static long look(struct node *n) { return n->a * 3 + n->b; }
__attribute__((noinline)) static long more(struct node *n, struct node *m) { return n->a + 3 * n->b + 5 * m->c + 7 * n->d + 11 * m->e + 13 * n->f + m->f; }
__attribute__((noinline)) static char last(struct node *n) { return n->f; }

int main(void) {
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  other = calloc(1, sizeof *other);
  pthread_barrier_init(&turn, NULL, 2);
  pthread_t thread;
  const long rounds = 200;
  pthread_create(&thread, NULL, writes, (void *)rounds);
  long total = 0;
  for (long i = 0; i < rounds; i++) {
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    if (i % 4 == 1) mprotect(shared, 4096, PROT_NONE);
    total = total * 31 + (i % 3 == 0 ? look(shared) : i % 3 == 1 ? more(other, shared) : last(shared));
    if (i % 4 == 3) mprotect(shared, 4096, PROT_NONE);
    total = total * 31 + more(shared, other);
  }
  pthread_join(thread, NULL);
  printf("%ld faults, %lx %lx\n", faults, seen, total);
  return 0;
}
