// Threads of several processes share a mutex, a condition variable, a semaphore and a barrier in shared memory.
//# processes: 2
//# varies: output
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { PROCESSES = 2, THREADS = 2, ROUNDS = 50, ALL = PROCESSES * THREADS };
static struct shared {
  pthread_mutex_t lock;
  pthread_cond_t turned;
  pthread_barrier_t barrier;
  pthread_rwlock_t rw;
  sem_t sem;
  atomic_int tickets;
  int turn, used;
  char order[ALL * ROUNDS + 1], drawn[ALL * ROUNDS + 1];
} *s;
static void *work(void *arg) {
  int me = (int)(long)arg;
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
  pthread_barrier_wait(&s->barrier);
  return NULL;
}
static void process(int number) {
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)(long)(number * THREADS + i));
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
}
int main(void) {
  pthread_mutexattr_t m;
  pthread_condattr_t c;
  pthread_barrierattr_t b;
  pthread_rwlockattr_t r;
  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (s == MAP_FAILED) return 1;
  pthread_mutexattr_init(&m);
  pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->lock, &m);
  pthread_condattr_init(&c);
  pthread_condattr_setpshared(&c, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&s->turned, &c);
  pthread_barrierattr_init(&b);
  pthread_barrierattr_setpshared(&b, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&s->barrier, &b, ALL);
  pthread_rwlockattr_init(&r);
  pthread_rwlockattr_setpshared(&r, PTHREAD_PROCESS_SHARED);
  pthread_rwlock_init(&s->rw, &r);
  sem_init(&s->sem, 1, 1);
  for (int i = 1; i < PROCESSES; i++)
    if (fork() == 0) { process(i); _exit(0); }
  process(0);
  for (int i = 1; i < PROCESSES; i++) wait(NULL);
  printf("%s\n%s\nturn %d\n", s->order, s->drawn, s->turn);
  munmap(s, sizeof *s);
  return 0;
}
