// After a jump back the lock may be free.
//# races: jumped
#include <pthread.h>
#include <setjmp.h>
static long jumped, kept;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void fail(jmp_buf *to) {
  pthread_mutex_unlock(&lock);
  longjmp(*to, 1);
}
static void *work(void *arg) {
  jmp_buf back;
  pthread_mutex_lock(&lock);
  kept++;
  if (!setjmp(back)) fail(&back);
  jumped++;
  return arg;
}
int main(void) {
  pthread_t t;
  for (int i = 0; i < 3; i++) pthread_create(&t, NULL, work, NULL);
  return 0;
}
