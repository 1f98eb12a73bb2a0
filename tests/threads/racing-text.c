// Text that another thread changes meanwhile is duplicated, and gets into the variables of the environment.
//# varies: output
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { ROUNDS = 300 };
static char text[] = "00000000", name[] = "N0";
static volatile int stop;
static void *writer(void *arg) {
  for (unsigned i = 0; !stop; i++) {
    text[i % 8] = (char)('0' + i * 7 % 10);
    name[1] = (char)('0' + i % 4);
  }
  return NULL;
}
static unsigned long add(unsigned long sum, const char *s) {
  for (; s != NULL && *s != 0; s++) sum = sum * 31 + (unsigned char)*s;
  return sum * 31 + (s != NULL);
}
int main(void) {
  pthread_t t;
  unsigned long sum = 0;
  if (pthread_create(&t, NULL, writer, NULL) != 0) return 1;
  for (int i = 0; i < ROUNDS; i++) {
    char *whole = strdup(text), *part = strndup(text, 5), *beyond = strndup(text, 100);
    setenv("TEXT", text, 1);
    setenv(name, "set", i % 2);
    if (i % 3 == 0) unsetenv(name);
    sum = add(add(add(add(sum, whole), part), beyond), getenv("TEXT"));
    for (int k = 0; k < 4; k++) {
      char n[] = { 'N', (char)('0' + k), 0 };
      sum = add(sum, getenv(n));
    }
    if (strlen(whole) != 8 || strlen(part) != 5 || strlen(beyond) != 8) return 2;
    free(whole);
    free(part);
    free(beyond);
    if (i % 16 == 0) sched_yield();
  }
  stop = 1;
  pthread_join(t, NULL);
  printf("%lx\n", sum);
  return 0;
}
