// qsort and bsearch call back; comparison order must be the same at replay.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static int calls;
static int cmp(const void *a, const void *b) { calls++; return strcmp(*(char *const *)a, *(char *const *)b); }
static int icmp(const void *a, const void *b) { calls++; int x = *(const int *)a, y = *(const int *)b; return (x > y) - (x < y); }
int main(void) {
  char *w[] = {"pear", "apple", "fig", "banana", "cherry"};
  qsort(w, 5, sizeof *w, cmp);
  for (int i = 0; i < 5; i++) printf("%s ", w[i]);
  int v[500]; srand((unsigned)time(NULL));
  for (int i = 0; i < 500; i++) v[i] = rand() % 1000;
  qsort(v, 500, sizeof *v, icmp);
  int key = v[250]; int *hit = bsearch(&key, v, 500, sizeof *v, icmp);
  printf("%d %d\n", hit && *hit == key, calls > 100);
  for (int i = 1; i < 500; i++) if (v[i - 1] > v[i]) return 1;
  return 0;
}
