// Readers and writers: what each reader saw, how many read at once, which tries failed.
//# varies: output
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
enum { READERS = 3, WRITERS = 2, ROUNDS = 30 };
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER, other;
static int version, inside, most, busy, late;
static int seen[READERS][ROUNDS];
static void *reader(void *arg) {
  int me = (int)(long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_rwlock_rdlock(&lock);
    int n = __atomic_add_fetch(&inside, 1, __ATOMIC_ACQ_REL);
    for (int m = __atomic_load_n(&most, __ATOMIC_RELAXED); n > m;)
      if (__atomic_compare_exchange_n(&most, &m, n, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) break;
    seen[me][i] = version;
    __atomic_sub_fetch(&inside, 1, __ATOMIC_ACQ_REL);
    pthread_rwlock_unlock(&lock);
    if (pthread_rwlock_tryrdlock(&other) == 0) pthread_rwlock_unlock(&other);
    else __atomic_fetch_add(&busy, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}
static void *writer(void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_rwlock_wrlock(&lock);
    version++;
    pthread_rwlock_unlock(&lock);
    if (pthread_rwlock_trywrlock(&other) == 0) { for (volatile int k = 0; k < 500; k++) { } pthread_rwlock_unlock(&other); }
    else __atomic_fetch_add(&busy, 1, __ATOMIC_RELAXED);
  }
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (pthread_rwlock_timedwrlock(&lock, &t) == 0) pthread_rwlock_unlock(&lock);
  else __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
  if (pthread_rwlock_timedrdlock(&lock, &t) == 0) pthread_rwlock_unlock(&lock);
  else __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
  return NULL;
}
int main(void) {
  pthread_t t[READERS + WRITERS];
  pthread_rwlockattr_t a;
  pthread_rwlockattr_init(&a);
  pthread_rwlockattr_setkind_np(&a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&other, &a);
  for (long i = 0; i < READERS; i++) pthread_create(&t[i], NULL, reader, (void *)i);
  for (int i = 0; i < WRITERS; i++) pthread_create(&t[READERS + i], NULL, writer, NULL);
  for (int i = 0; i < READERS + WRITERS; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < READERS; i++) {
    for (int k = 0; k < ROUNDS; k++) printf("%d ", seen[i][k]);
    printf("\n");
  }
  printf("version %d most %d busy %d late %d destroy %d\n", version, most, busy, late, pthread_rwlock_destroy(&other));
  return 0;
}
