// Tickets by fetch_add of every width and order: who drew which number is printed.
//# varies: output
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
enum { THREADS = 3, DRAWS = 60 };
static _Atomic unsigned char narrow;
static _Atomic short medium;
static atomic_int wide;
static _Atomic long long widest;
static atomic_uint_fast32_t bits;
static char owner[THREADS * DRAWS + 1];
static long drawn[THREADS][4];
static void *work(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < DRAWS; i++) {
    owner[atomic_fetch_add_explicit(&wide, 1, memory_order_relaxed)] = (char)('a' + me);
    drawn[me][0] += narrow++ * (i + 1);
    drawn[me][1] += atomic_fetch_sub(&medium, 2) * (i + 1);
    drawn[me][2] += (long)(atomic_fetch_add_explicit(&widest, 1LL << 33, memory_order_acq_rel) >> 33) * (i + 1);
    drawn[me][3] += (long)atomic_fetch_xor(&bits, 1u << (i % 5 + me)) + (long)atomic_fetch_or(&bits, 1u << (8 + me)) +
                    (long)atomic_fetch_and(&bits, ~(1u << (8 + (me + 1) % 3)));
  }
  return NULL;
}
int main(void) {
  pthread_t t[THREADS];
  for (long i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  printf("%s\n", owner);
  for (int i = 0; i < THREADS; i++) printf("%ld %ld %ld %ld\n", drawn[i][0], drawn[i][1], drawn[i][2], drawn[i][3]);
  printf("%d %d %d %lld\n", narrow, medium, wide, widest);
  return 0;
}
