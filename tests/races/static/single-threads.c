// Threads of which there is one each race with each other only.
//# races: both
#include <pthread.h>
static long first, second, both;
static void *one(void *arg) { first++; both++; return arg; }
static void *two(void *arg) { second++; both++; return arg; }
int main(void) {
  pthread_t a, b;
  pthread_create(&a, NULL, one, NULL);
  pthread_create(&b, NULL, two, NULL);
  return 0;
}
