// What shared-memory.c and shared-threads.c have in common: a mutex, a condition variable, a barrier, a read-write lock, a semaphore
// and an atomic counter in memory that processes share, and what each of WORKERS workers (defined before) does with them.
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
enum { ROUNDS = 50 };
static struct shared {
  pthread_mutex_t lock;
  pthread_cond_t turned;
  pthread_barrier_t barrier;
  pthread_rwlock_t rw;
  sem_t sem;
  atomic_int tickets;
  int turn, used, serial[WORKERS];
  char order[WORKERS * ROUNDS + 1], drawn[WORKERS * ROUNDS + 1];
} *s;
static int share(void) {
  pthread_mutexattr_t m;
  pthread_condattr_t c;
  pthread_barrierattr_t b;
  pthread_rwlockattr_t r;
  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (s == MAP_FAILED) return 0;
  pthread_mutexattr_init(&m);
  pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->lock, &m);
  pthread_condattr_init(&c);
  pthread_condattr_setpshared(&c, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&s->turned, &c);
  pthread_barrierattr_init(&b);
  pthread_barrierattr_setpshared(&b, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&s->barrier, &b, WORKERS);
  pthread_rwlockattr_init(&r);
  pthread_rwlockattr_setpshared(&r, PTHREAD_PROCESS_SHARED);
  pthread_rwlock_init(&s->rw, &r);
  return sem_init(&s->sem, 1, 1) == 0;
}
static void work(int me) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&s->lock);
    s->order[s->used++] = (char)('a' + me);
    pthread_mutex_unlock(&s->lock);
    s->drawn[atomic_fetch_add(&s->tickets, 1)] = (char)('a' + me);
    sem_wait(&s->sem);
    sem_post(&s->sem);
    pthread_rwlock_rdlock(&s->rw);
    pthread_rwlock_unlock(&s->rw);
  }
  pthread_mutex_lock(&s->lock);
  while (s->turn != me) pthread_cond_wait(&s->turned, &s->lock);
  s->turn++;
  pthread_cond_broadcast(&s->turned);
  pthread_mutex_unlock(&s->lock);
  s->serial[me] = pthread_barrier_wait(&s->barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
}
static void show(void) {
  printf("%s\n%s\nturn %d serial", s->order, s->drawn, s->turn);
  for (int i = 0; i < WORKERS; i++) printf(" %d", s->serial[i]);
  printf("\n");
  munmap(s, sizeof *s);
}
