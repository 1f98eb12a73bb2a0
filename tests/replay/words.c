// A pointer that becomes a number by memcpy, and a pointer again.
//# stdin: what is read into a buffer that only few bytes of are looked at
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static char small[1 << 20], big[1 << 20];
static char *__attribute__((noinline)) back(char **p) {
  uintptr_t x, y;
  char *q;
  memcpy(&x, p, sizeof x);
  x |= 1;
  y = x & ~(uintptr_t)1;
  memcpy(&q, &y, sizeof q);
  return getpid() == 1 ? small : q;
}
int main(void) {
  char *p = big;
  for (long n = 0, k; n < 1000000 && (k = read(0, big + n, 1000000 - n)) > 0; n += k) continue;
  printf("%c\n", back(&p)[40]);
  return 0;
}
