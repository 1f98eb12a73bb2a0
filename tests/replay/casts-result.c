// A function without a result is called by a type that has one: a pool of threads keeps it as what all jobs are.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct args { int in, out; };
struct job { void *(*work)(void *); void *arg, *result; };
static struct job queue[4];

static void twice(struct args *a) { a->out = a->in * 2; }
static void *same(void *a) { return a; }

__attribute__((noinline)) static void put(int n, void *(*work)(void *), void *arg) {
  queue[n].work = work;
  queue[n].arg = arg;
}

__attribute__((noinline)) static void run(int n) { queue[n].result = queue[n].work(queue[n].arg); }

int main(void) {
  struct args *a = malloc(sizeof *a);
  a->in = time(NULL) % 100;
  put(0, (void *)twice, a);
  put(1, same, a);
  run(0);
  run(1);
  printf("%d\n", a->out == 2 * a->in && queue[1].result == a);
  free(a);
  return 0;
}
