// Producers and consumers on condition variables; who consumed what is printed, and which waits timed out.
//# varies: output
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
enum { ITEMS = 80, ROOM = 5 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, space = PTHREAD_COND_INITIALIZER;
static int queue[ROOM], head, count, produced, ended, timeouts, spurious;
static char by[ITEMS * 2 + 1];
static void *produce(void *arg) {
  (void)arg;
  for (int i = 0; i < ITEMS; i++) {
    pthread_mutex_lock(&lock);
    while (count == ROOM) pthread_cond_wait(&space, &lock);
    queue[(head + count++) % ROOM] = produced++;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
static void *consume(void *arg) {
  long sum = 0;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (count == 0 && !ended) {
      struct timespec t;
      clock_gettime(CLOCK_REALTIME, &t);
      t.tv_nsec += 50000;
      if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec++; }
      int r = pthread_cond_timedwait(&more, &lock, &t);
      if (r == ETIMEDOUT) timeouts++;
      else if (count == 0) spurious++;
    }
    if (count == 0) break;
    int item = queue[head];
    head = (head + 1) % ROOM;
    count--;
    by[item] = (char)('a' + (long)arg);
    sum += item;
    pthread_cond_signal(&space);
  }
  pthread_mutex_unlock(&lock);
  return (void *)sum;
}
int main(void) {
  pthread_t p[2], c[3];
  void *part;
  long sum = 0;
  for (long i = 0; i < 3; i++) pthread_create(&c[i], NULL, consume, (void *)i);
  for (int i = 0; i < 2; i++) pthread_create(&p[i], NULL, produce, NULL);
  for (int i = 0; i < 2; i++) pthread_join(p[i], NULL);
  pthread_mutex_lock(&lock);
  ended = 1;
  pthread_cond_broadcast(&more);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < 3; i++) { pthread_join(c[i], &part); printf("%ld ", (long)part); sum += (long)part; }
  printf("= %ld\n%s\ntimeouts %d spurious %d\n", sum, by, timeouts, spurious);
  return 0;
}
