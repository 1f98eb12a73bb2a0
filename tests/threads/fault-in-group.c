// Loads that may race, counted before the first of them, of which a fault in between keeps the rest from coming: a handler leaves by siglongjmp, and those that come later
// are told apart all the same.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
  long a, b, c;
  int d;
  short e;
  char f;
};

static struct node *shared;
static pthread_barrier_t turn;
static sigjmp_buf back;
static struct node *volatile nowhere;

static void fault(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static void *writes(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    pthread_barrier_wait(&turn);
    // In some rounds nothing changes, in some the last that main looks at, in some the first.
    if (i % 5 == 1) shared->f = (char)i;
    if (i % 5 == 2) shared->a = i * 1000003;
    if (i % 7 == 3) shared->c = shared->b = i << 40;
    if (i % 11 == 4) shared->d = shared->e = (short)i;
    pthread_barrier_wait(&turn);
  }
  return NULL;
}

__attribute__((noinline)) static long look(struct node *n, struct node *other) {
  return n->a + 3 * n->b + 5 * other->c + 7 * n->d + 11 * n->e + 13 * n->f;
}

int main(void) {
  struct sigaction action = {.sa_handler = fault, .sa_flags = SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  shared = calloc(1, sizeof *shared);
  pthread_barrier_init(&turn, NULL, 2);
  pthread_t thread;
  const long rounds = 400;
  pthread_create(&thread, NULL, writes, (void *)rounds);
  long total = 0, faults = 0;
  for (volatile long i = 0; i < rounds; i++) {
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    if (sigsetjmp(back, 1) == 0) {
      total = total * 31 + look(shared, i % 3 == 1 ? nowhere : shared);
    } else {
      faults++;
      total = total * 31 + shared->b;
    }
    if (i % 50 == 0) total ^= look(shared, shared);
  }
  pthread_join(thread, NULL);
  printf("%ld faults, %lx\n", faults, total);
  return 0;
}
