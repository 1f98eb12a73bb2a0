// Many readers, one writer at a time; and one that writes while it only holds the lock for reading.
//# races: sneaked
#include <pthread.h>
static long value, sneaked;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static void *work(void *arg) {
  pthread_rwlock_rdlock(&lock);
  long seen = value;
  sneaked++;
  pthread_rwlock_unlock(&lock);
  pthread_rwlock_wrlock(&lock);
  value = seen + 1;
  pthread_rwlock_unlock(&lock);
  return arg;
}
int main(void) {
  pthread_t t;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, NULL);
  return 0;
}
