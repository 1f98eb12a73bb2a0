// exit from a thread that is not the first, while others work; handlers run there.
//# end: running
//# status: 3
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static volatile long turns;
static void *computes(void *arg) { (void)arg; for (;;) turns++; return NULL; }
static void *sleeps(void *arg) { (void)arg; for (;;) pause(); return NULL; }
static void bye(void) { puts("handler"); }
static void *exits(void *arg) { (void)arg; puts("ends"); exit(3); }
int main(void) {
  pthread_t t;
  atexit(bye);
  pthread_create(&t, NULL, computes, NULL);
  pthread_create(&t, NULL, sleeps, NULL);
  pthread_create(&t, NULL, exits, NULL);
  for (;;) pause();
}
