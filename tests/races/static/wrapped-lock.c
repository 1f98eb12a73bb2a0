// The lock is taken and given back by functions of the program, several calls deep, one of them through a pointer.
//# races: after
#include <pthread.h>
static long counter, after;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void enter(void) { pthread_mutex_lock(&lock); }
static void leave(void) { pthread_mutex_unlock(&lock); }
static void enter_twice_removed(void) { enter(); }
static void (*volatile leave_by)(void) = leave;
static void count(void) { counter++; }
static void *work(void *arg) {
  enter_twice_removed();
  count();
  leave_by();
  after++;
  return arg;
}
int main(void) {
  pthread_t t;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, NULL);
  return 0;
}
