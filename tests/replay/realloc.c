// realloc growing from small to large, calloc, memory reuse; addresses are data here.
//# level: R3
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
int main(void) {
  char *p = NULL; size_t n = 0; uint64_t h = 1469598103934665603u;
  for (int i = 1; i < 2000; i++) { size_t m = (size_t)(i * 37 % 5000) + 1; p = realloc(p, m); if (m > n) memset(p + n, i, m - n); n = m; h = (h ^ (uintptr_t)p) * 1099511628211u; }
  void *v[100]; for (int i = 0; i < 100; i++) v[i] = calloc(1, 16u << (i % 12));
  for (int i = 0; i < 100; i += 2) free(v[i]);
  for (int i = 0; i < 100; i += 2) { v[i] = malloc(100 + (unsigned)i); h ^= (uintptr_t)v[i]; }
  for (int i = 1; i < 100; i += 2) { char *c = v[i]; for (unsigned k = 0; k < 16; k++) if (c[k]) return 1; }
  char *big = malloc(3 << 20); memset(big, 1, 3 << 20); big = realloc(big, 9 << 20); h ^= (uintptr_t)big + (uintptr_t)big[100]; free(big);
  FILE *f = tmpfile(); if (f) { fprintf(f, "%llx\n", (unsigned long long)h); fclose(f); }
  printf("%d\n", time(NULL) > 0);
  return 0;
}
