// Spinlocks of the library and of our own (test and set, ticket).
//# varies: output
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 50 };
static pthread_spinlock_t spin;
static atomic_flag flag = ATOMIC_FLAG_INIT;
static atomic_uint next, serving;
static char order[3][THREADS * ROUNDS + 1];
static int used[3], busy;
static void note(int kind, long me) { order[kind][used[kind]++] = (char)('a' + me); }
static void *work(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    if (pthread_spin_trylock(&spin) != 0) { atomic_fetch_add((_Atomic int *)&busy, 1); pthread_spin_lock(&spin); }
    note(0, me);
    pthread_spin_unlock(&spin);
    while (atomic_flag_test_and_set_explicit(&flag, memory_order_acquire)) sched_yield();
    note(1, me);
    atomic_flag_clear_explicit(&flag, memory_order_release);
    unsigned ticket = atomic_fetch_add(&next, 1);
    while (atomic_load(&serving) != ticket) sched_yield();
    note(2, me);
    atomic_fetch_add(&serving, 1);
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int k = 0; k < 3; k++) printf("%s %d\n", order[k], used[k]);
  printf("busy %d destroy %d\n", busy, pthread_spin_destroy(&spin));
  return 0;
}
