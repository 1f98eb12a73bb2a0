// Two threads count without a lock.
//# races: counter
#include <pthread.h>
static long counter;
static void *work(void *arg) {
  for (int i = 0; i < 1000; i++) counter++;
  return arg;
}
int main(void) {
  pthread_t a, b;
  counter = 5;
  pthread_create(&a, NULL, work, NULL);
  pthread_create(&b, NULL, work, NULL);
  pthread_join(a, NULL);
  pthread_join(b, NULL);
  return 0;
}
