// Loads that may race, in replayed functions that functions of the environment call and that write to what the others read: between
// what the log has of the environment's writes there are loads that read what they read before, and cost it nothing.
//# target: look:!main:!worker:!leave
#include <pthread.h>
#include <stdio.h>

static long shared[64], sum;
static long given[8];
static int stop;

__attribute__((noinline)) static void look(int round) {
  if (round % 10 == 0) printf("%d %lx\n", round, sum);
  for (int i = 0; i < 8; i++) sum = sum * 31 + given[i];
  for (int i = 0; i < 64; i++) sum = sum * 31 + shared[i];
  if (round % 4 == 0) sum += shared[0] + shared[63];
}

__attribute__((noinline)) static void leave(int round) {
  for (int i = 0; i < 8; i++) given[i] = round * 100 + i;
}

static void *worker(void *arg) {
  for (long n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
    if (n % 100000 == 0) shared[n / 100000 % 64] = n;
  }
  return arg;
}

int main(void) {
  pthread_t t;
  pthread_create(&t, NULL, worker, NULL);
  for (int round = 0; round < 60; round++) {
    leave(round);
    look(round);
    if (round % 3 == 0) look(round);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  pthread_join(t, NULL);
  return 0;
}
