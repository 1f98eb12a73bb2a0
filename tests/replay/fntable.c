// A table of structures that begin with an array: the pointers behind it are found.
//# args: two
//# level: R3
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
typedef char *compile(const char *, size_t);
typedef long match(const char *, const char *);
static char *copy(const char *s, size_t n) { char *p = calloc(n + 1, 1); return memcpy(p, s, n); }
static long same(const char *a, const char *b) { return strcmp(a, b) == 0; }
static char *twice(const char *s, size_t n) { char *p = calloc(2 * n + 1, 1); memcpy(p, s, n); return memcpy(p + n, s, n) ? p : 0; }
static long length(const char *a, const char *b) { return (long)(strlen(a) + strlen(b)) + getppid() * 0; }
static const struct { char name[12]; int syntax; compile *compile; match *match; } table[] = {
  {"one", 1, copy, same}, {"two", 2, twice, length},
};
int main(int c, char **v) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (c > 1 && strcmp(table[i].name, v[1]) == 0) {
      char *p = table[i].compile(v[1], strlen(v[1]));
      printf("%s %ld %d\n", p, table[i].match(p, v[1]), table[i].syntax);
    }
  return 0;
}
