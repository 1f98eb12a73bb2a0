// A wild access in one of several threads, after work that depends on their order.
//# signal: 11
//# varies: output
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[301];
static int used;
static int *volatile target = (int *)16;
static void *work(void *arg) {
  for (;;) {
    pthread_mutex_lock(&lock);
    order[used++] = (char)('a' + (long)arg);
    if (used == 300) {
      puts(order);
      fflush(stdout);
      *target = used;
    }
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
int main(void) {
  pthread_t t[3];
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, (void *)i);
  pthread_join(t[0], NULL);
  return 0;
}
