// Threads write a common text buffer and its length without a lock, by memcpy, snprintf and single bytes; others read it.
//# varies: output
#include <pthread.h>
#include <stdio.h>
#include <string.h>
enum { ROUNDS = 500 };
char text[64];
volatile size_t length;
static unsigned long sums[2];
static void *writes(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    char line[64];
    int n = snprintf(line, sizeof line, "%s %d %d", arg ? "second" : "first", i, i * i);
    if (i % 3 == 0) memcpy(text, line, (size_t)n + 1);
    else if (i % 3 == 1) snprintf(text, sizeof text, "%s", line);
    else for (int k = 0; k <= n; k++) text[k] = line[k];
    length = (size_t)n;
  }
  return NULL;
}
static void *reads(void *arg) {
  unsigned long sum = 0;
  for (int i = 0; i < ROUNDS; i++) {
    char copy[64];
    size_t n = length;
    memcpy(copy, text, sizeof copy);
    copy[63] = 0;
    sum = sum * 31 + n + strlen(copy) + (unsigned char)copy[n % 64] + (unsigned long)(strchr(copy, ' ') != NULL);
  }
  sums[(long)arg] = sum;
  return NULL;
}
int main(void) {
  pthread_t t[4];
  for (long i = 0; i < 2; i++) { pthread_create(&t[i], NULL, writes, (void *)i); pthread_create(&t[2 + i], NULL, reads, (void *)i); }
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  printf("%lx %lx %s\n", sums[0], sums[1], text);
  return 0;
}
