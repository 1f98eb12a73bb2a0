// A handler of faults that makes the page writable and returns, as barriers for stores do, and looks itself at what threads race for: the store is between loads of that.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

struct node {
  long a, b, c, d;
};

static struct node *shared;
static pthread_barrier_t turn;
static long *page, seen, faults;

static void fault(int signal) {
  (void)signal;
  faults++;
  seen = seen * 31 + shared->d + shared->b;
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void *writes(void *rounds) {
  for (long i = 0; i < (long)rounds; i++) {
    pthread_barrier_wait(&turn);
    if (i % 5 == 1) shared->d = i * 3;
    if (i % 5 == 2) shared->a = i * 1000003;
    if (i % 7 == 3) shared->c = shared->b = i << 40;
    pthread_barrier_wait(&turn);
  }
  return NULL;
}

__attribute__((noinline)) static long look(struct node *n, long *at) {
  long first = n->a + 3 * n->b;
  *at = first;
  return first + 5 * n->c + 7 * n->d;
}

int main(void) {
  struct sigaction action = {.sa_handler = fault};
  sigaction(SIGSEGV, &action, NULL);
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  shared = calloc(1, sizeof *shared);
  pthread_barrier_init(&turn, NULL, 2);
  pthread_t thread;
  const long rounds = 300;
  pthread_create(&thread, NULL, writes, (void *)rounds);
  long total = 0;
  for (long i = 0; i < rounds; i++) {
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    if (i % 3 == 1) mprotect(page, 4096, PROT_READ);
    total = total * 31 + look(shared, page + i % 4);
  }
  pthread_join(thread, NULL);
  printf("%ld faults, %lx %lx %lx\n", faults, total, seen, page[0] + page[1] + page[2] + page[3]);
  return 0;
}
