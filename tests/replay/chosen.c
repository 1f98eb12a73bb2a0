// Functions that a resolver chooses: called, through tables and other variables, with structures by value and variable arguments; versions by processor.
//# args: 3
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
struct big { long a[6]; };
typedef int unary(int);
static int asked;
static int one(int x) { return x + 1; }
static int two(int x) { return x + 2; }
static unary *resolve(void) { asked++; return one; }
int f(int) __attribute__((ifunc("resolve")));
static unary *resolve_other(void) { __builtin_cpu_init(); return __builtin_cpu_supports("sse2") ? two : one; }
int g(int) __attribute__((ifunc("resolve_other")));
static struct big turn(struct big b, int by) { struct big r; for (int i = 0; i < 6; i++) r.a[i] = b.a[(i + by) % 6]; return r; }
static struct big (*resolve_turn(void))(struct big, int) { return turn; }
struct big h(struct big, int) __attribute__((ifunc("resolve_turn")));
static long sum_of(int n, ...) { va_list l; long s = 0; va_start(l, n); for (int i = 0; i < n; i++) s += va_arg(l, long); va_end(l); return s; }
static long (*resolve_sum(void))(int, ...) { return sum_of; }
long sum(int, ...) __attribute__((ifunc("resolve_sum")));
static unary *const table[] = { f, g, one };
__attribute__((target_clones("avx2", "default"))) long dot(const int *a, int n) { long s = 0; for (int i = 0; i < n; i++) s += (long)a[i] * a[i]; return s; }
static long first_bytes(void) {
  static unsigned char bytes[4096];
  long sum = 0;
  FILE *f = fopen("/proc/self/exe", "r");
  if (f != NULL) {
    for (size_t i = 0, n = fread(bytes, 1, sizeof bytes, f); i < n; i++) sum += bytes[i];
    fclose(f);
  }
  return sum;
}
int main(int argc, char **argv) {
  printf("%d\n", first_bytes() > 0);
  int n = argc > 1 ? atoi(argv[1]) : 1, a[100];
  for (int i = 0; i < 100; i++) a[i] = i * n;
  printf("%d %d %d\n", f(n), g(n), f(n) + g(n));
  for (int i = 0; i < 3; i++) printf("%d\n", table[i](n));
  struct big b = { { 1, 2, 3, 4, 5, 6 } };
  b = h(b, n);
  printf("%ld %ld\n", b.a[0], b.a[5]);
  printf("%ld %ld\n", sum(3, 1L, 2L, 3L), dot(a, 100));
  printf("%d\n", f == table[0]);
  return asked == 0;
}
