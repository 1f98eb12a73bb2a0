// lfind and lsearch call back into the program, on memory that threads may race for: what the callback loads is logged.
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct { char text[64]; size_t n; } all;

static int compare(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

static void *other(void *none) {
  if (getppid() == -1) memset(&all, 1, sizeof all);
  return none;
}

int main(void) {
  pthread_t t;
  pthread_create(&t, NULL, other, NULL);
  all.n = 3;
  memcpy(all.text, "abc", 3);
  const char *q = "q", *b = "b";
  printf("%d\n", lfind(q, all.text, &all.n, 1, compare) == NULL);
  char *found = lsearch(q, all.text, &all.n, 1, compare);
  printf("%d %zu %c\n", (int)(found - all.text), all.n, all.text[3]);
  found = lsearch(b, all.text, &all.n, 1, compare);
  printf("%d %zu\n", (int)(found - all.text), all.n);
  found = lfind(q, all.text, &all.n, 1, compare);
  printf("%d\n", (int)(found - all.text));
  pthread_join(t, NULL);
  return 0;
}
