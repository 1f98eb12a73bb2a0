// GCC's __sync and __atomic builtins in all widths.
//# varies: output
#pragma GCC diagnostic ignored "-Wsync-fetch-and-nand-semantics-changed"
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
enum { THREADS = 3, ROUNDS = 50 };
static uint8_t b;
static uint16_t h;
static uint32_t w, nand = 5, lock;
static uint64_t q, result[THREADS];
static int *pointer, cells[THREADS];
static struct pair { int32_t a, b; } __attribute__((aligned(8))) pair;
static void *work(void *arg) {
  int me = (int)(long)arg;
  uint64_t sum = 0;
  for (int i = 0; i < ROUNDS; i++) {
    sum = sum * 3 + __sync_fetch_and_add(&b, 1);
    sum = sum * 3 + __sync_add_and_fetch(&h, 3);
    sum = sum * 3 + __sync_fetch_and_nand(&nand, 7);
    sum = sum * 3 + __atomic_fetch_add(&q, 1ull << 40, __ATOMIC_SEQ_CST);
    sum = sum * 3 + __atomic_fetch_nand(&w, (uint32_t)me, __ATOMIC_RELAXED);
    sum = sum * 3 + (uint64_t)__sync_bool_compare_and_swap(&pointer, NULL, &cells[me]);
    int *old = __atomic_exchange_n(&pointer, NULL, __ATOMIC_ACQ_REL);
    if (old != NULL) ++*old;
    struct pair p, n;
    __atomic_load(&pair, &p, __ATOMIC_ACQUIRE);
    do { n.a = p.a + 1; n.b = p.b - me; } while (!__atomic_compare_exchange(&pair, &p, &n, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    sum = sum * 3 + (uint32_t)p.a;
    while (__sync_lock_test_and_set(&lock, 1)) sched_yield();
    cells[0] += me;
    __sync_lock_release(&lock);
    __sync_synchronize();
    sum = sum * 3 + __sync_val_compare_and_swap(&h, (uint16_t)(i * 3), (uint16_t)(i * 5));
  }
  result[me] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < THREADS; i++) printf("%llx\n", (unsigned long long)result[i]);
  printf("%u %u %u %u %llx %d %d\n", b, h, w, nand, (unsigned long long)q, pair.a, pair.b);
  return 0;
}
