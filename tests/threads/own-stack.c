// A thread whose stack is a global array of the program: the library keeps its own data at the end of it.
#include <pthread.h>
#include <stdio.h>
static char own[1 << 18] __attribute__((aligned(4096)));
static __thread int tls = 3;
static void *inside(void *arg) {
  char local = 1;
  int *where = &tls;
  *where += *(int *)arg;
  return (void *)(long)((&local >= own && &local < own + sizeof own) * 10 + tls);
}
int main(void) {
  pthread_attr_t a;
  pthread_t t;
  void *value;
  for (int i = 0; i < 3; i++) {
    pthread_attr_init(&a);
    pthread_attr_setstack(&a, own, sizeof own);
    if (pthread_create(&t, &a, inside, &i) != 0) return 1;
    pthread_join(t, &value);
    pthread_attr_destroy(&a);
    printf("%ld\n", (long)value);
  }
  return 0;
}
