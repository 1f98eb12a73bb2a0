// main ends by pthread_exit; the others go on, and the last one ends the process.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static pthread_t first;
static int local_of_main;
static void bye(void) { puts("handler"); }
static void *second(void *arg) {
  pthread_join(first, NULL);
  *(int *)arg += 1;
  printf("main has ended, %d\n", *(int *)arg);
  return NULL;
}
static void *third(void *arg) { pthread_join(*(pthread_t *)arg, NULL); puts("second has ended"); return NULL; }
int main(void) {
  static pthread_t t, u;
  atexit(bye);
  first = pthread_self();
  pthread_create(&t, NULL, second, &local_of_main);
  pthread_create(&u, NULL, third, &t);
  puts("main ends");
  pthread_exit(NULL);
}
