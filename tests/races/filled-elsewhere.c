// Blocks that the library fills for one thread, and another reads as soon as a pipe has handed it their address: nothing else orders the two.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
enum { ROUNDS = 300 };
static int there[2], back[2];
static void *reads(void *arg) {
  unsigned long hash = (unsigned long)arg;
  char *text;
  while (read(there[0], &text, sizeof text) == sizeof text && text) {
    for (const char *c = text; *c; c++) hash = hash * 31 + (unsigned char)*c;
    if (write(back[1], "", 1) != 1) break;
  }
  return (void *)hash;
}
int main(void) {
  pthread_t t;
  void *value;
  char text[40], answer;
  char *copy = NULL;
  unsigned long n = 1;
  if (pipe(there) || pipe(back)) return 1;
  pthread_create(&t, NULL, reads, (void *)1);
  for (int r = 0; r < ROUNDS; r++) {
    for (int k = 0; k < 2000; k++) n = n * 6364136223846793005u + 1442695040888963407u;
    snprintf(text, sizeof text, "%d of %d: %lx", r, ROUNDS, n);
    copy = strdup(text);
    if (write(there[1], &copy, sizeof copy) != sizeof copy || read(back[0], &answer, 1) != 1) return 1;
    free(copy);
  }
  copy = NULL;
  if (write(there[1], &copy, sizeof copy) != sizeof copy) return 1;
  pthread_join(t, &value);
  printf("%lx\n", (unsigned long)value);
  return 0;
}
