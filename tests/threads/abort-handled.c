// A thread calls abort; the handler jumps away there, and the last one ends the process.
//# status: 4
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int aborted;
static __thread sigjmp_buf back;
static void jumps(int s) { siglongjmp(back, s); }
static void ends(int s) { printf("%d %d\n", s, aborted); fflush(stdout); _exit(4); }
static void *run(void *last) {
  for (int i = 0; i < 10; i++) {
    if (sigsetjmp(back, 1) == 0) abort();
    pthread_mutex_lock(&lock); aborted++; pthread_mutex_unlock(&lock);
  }
  if (last) { signal(SIGABRT, ends); abort(); }
  return NULL;
}
int main(void) {
  pthread_t t[3];
  signal(SIGABRT, jumps);
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, run, NULL);
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  pthread_create(&t[0], NULL, run, &lock);
  pthread_join(t[0], NULL);
  return 1;
}
