// Memory shared by processes: atomics, a process-shared mutex, condition variable, semaphore and barrier in it.
//# processes: 3
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { PROCESSES = 3, ROUNDS = 40 };
static struct shared {
  pthread_mutex_t lock;
  pthread_cond_t turned;
  pthread_barrier_t barrier;
  sem_t sem;
  atomic_int tickets;
  int turn, used, serial[PROCESSES];
  char order[PROCESSES * ROUNDS + 1], drawn[PROCESSES * ROUNDS + 1];
} *s;
static void work(int me) {
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&s->lock);
    s->order[s->used++] = (char)('a' + me);
    pthread_mutex_unlock(&s->lock);
    s->drawn[atomic_fetch_add(&s->tickets, 1)] = (char)('a' + me);
    sem_wait(&s->sem);
    sem_post(&s->sem);
  }
  pthread_mutex_lock(&s->lock);
  while (s->turn != me) pthread_cond_wait(&s->turned, &s->lock);
  s->turn++;
  pthread_cond_broadcast(&s->turned);
  pthread_mutex_unlock(&s->lock);
  s->serial[me] = pthread_barrier_wait(&s->barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
}
int main(void) {
  pthread_mutexattr_t m;
  pthread_condattr_t c;
  pthread_barrierattr_t b;
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
  pthread_barrier_init(&s->barrier, &b, PROCESSES);
  sem_init(&s->sem, 1, 1);
  for (int i = 1; i < PROCESSES; i++)
    if (fork() == 0) { work(i); _exit(0); }
  work(0);
  for (int i = 1; i < PROCESSES; i++) wait(NULL);
  printf("%s\n%s\nturn %d serial %d%d%d\n", s->order, s->drawn, s->turn, s->serial[0], s->serial[1], s->serial[2]);
  munmap(s, sizeof *s);
  return 0;
}
