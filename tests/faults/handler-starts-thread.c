/* A handler of faults starts the first thread and returns to a row of loads that may race from then on. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
static struct node { long a, b, c, d; } *shared;
static pthread_t thread;
static volatile int stop;
static void *writes(void *arg) {
  for (long i = 0; !stop; i++) shared->b = shared->c = i;
  return arg;
}
static void fault(int signal) {
  (void)signal;
  mprotect(shared, 4096, PROT_READ | PROT_WRITE);
  pthread_create(&thread, NULL, writes, NULL);
}
__attribute__((noinline)) static long look(struct node *n) { return n->a + 3 * n->b + 5 * n->c + 7 * n->d; }
int main(void) {
  signal(SIGSEGV, fault);
  shared = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  puts("before");
  fflush(stdout);
  long sum = look(shared);
  stop = 1;
  pthread_join(thread, NULL);
  return sum == -1;
}
