// A lock and an event made of raw futexes.
//# varies: output
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
enum { THREADS = 3, ROUNDS = 40 };
static atomic_int word; /* 0 free, 1 held, 2 held and waited for */
static atomic_int event;
static char order[THREADS * ROUNDS + 1];
static int used;
static atomic_int waits, woken, timeouts;
static long futex(atomic_int *at, int op, int value, const struct timespec *limit) {
  return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, value, limit, NULL, 0);
}
static void lock(void) {
  int c = 0;
  if (atomic_compare_exchange_strong(&word, &c, 1)) return;
  if (c != 2) c = atomic_exchange(&word, 2);
  while (c != 0) {
    atomic_fetch_add(&waits, 1);
    futex(&word, FUTEX_WAIT, 2, NULL);
    c = atomic_exchange(&word, 2);
  }
}
static void unlock(void) {
  if (atomic_exchange(&word, 0) == 2) atomic_fetch_add(&woken, (int)futex(&word, FUTEX_WAKE, 1, NULL));
}
static void *work(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    lock();
    order[used++] = (char)('a' + (long)arg);
    for (volatile int k = 0; k < 200; k++) { }
    unlock();
  }
  struct timespec limit = {0, 1000};
  if (futex(&event, FUTEX_WAIT, 0, &limit) != 0 && errno == ETIMEDOUT) atomic_fetch_add(&timeouts, 1);
  while (atomic_load(&event) == 0) futex(&event, FUTEX_WAIT, 0, NULL);
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  usleep(2000);
  atomic_store(&event, 1);
  futex(&event, FUTEX_WAKE, 1000, NULL);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%s\nwaits %d woken %d timeouts %d\n", order, waits, woken, timeouts);
  return 0;
}
