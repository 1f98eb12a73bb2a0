#define _GNU_SOURCE
// Variadic functions of the program, va_list handed to libc, pointers through varargs.
//# args: one two
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static int sum(int n, ...) { va_list ap; va_start(ap, n); int s = 0; while (n--) s += va_arg(ap, int); va_end(ap); return s; }
static char *format(const char *f, ...) { va_list ap; va_start(ap, f); char *s = NULL; if (vasprintf(&s, f, ap) < 0) exit(9); va_end(ap); return s; }
static void fill(int n, ...) { va_list ap; va_start(ap, n); for (int i = 0; i < n; i++) { long *p = va_arg(ap, long *); *p = (long)time(NULL) + i; } va_end(ap); }
int main(int argc, char **argv) {
  long a, b; fill(2, &a, &b);
  char *s = format("%d %s %s %.3f", sum(3, 1, 2, argc), argv[1], argv[2], 2.5);
  puts(s); printf("%ld\n", b - a); free(s);
  char buf[64]; int x, y; char w[16];
  snprintf(buf, sizeof buf, "%d-%d %s", 17, 4, "word");
  printf("%d\n", sscanf(buf, "%d-%d %15s", &x, &y, w)); printf("%d %d %s\n", x, y, w);
  return 0;
}
