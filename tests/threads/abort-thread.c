// abort in one of several threads.
//# signal: 6
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int count;
static void *work(void *arg) {
  (void)arg;
  for (;;) {
    pthread_mutex_lock(&lock);
    if (++count == 200) {
      printf("count %d\n", count);
      fflush(stdout);
      abort();
    }
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}
int main(void) {
  pthread_t t[3];
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, NULL);
  pthread_join(t[0], NULL);
  return 0;
}
