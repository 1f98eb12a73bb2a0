// A flag and what it announces; one flag is atomic.
//# races: data, flag
//# atomic: ready
#include <pthread.h>
#include <stdatomic.h>
static volatile int flag;
static int data;
static atomic_int ready;
static void *work(void *arg) {
  data = 7;
  flag = 1;
  atomic_store(&ready, 1);
  return arg;
}
int main(void) {
  pthread_t t;
  pthread_create(&t, NULL, work, NULL);
  while (!flag) {}
  while (!atomic_load(&ready)) {}
  return data;
}
