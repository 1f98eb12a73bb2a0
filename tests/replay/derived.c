// A base looked at through the structure that is derived from it: members that are characters.
//# stdin: what is read into a buffer that only few bytes of are looked at
#include <stdio.h>
#include <string.h>
#include <unistd.h>
struct base { char flag, text[1 << 20]; };
struct derived { struct base base; void *more; };
static struct base b;
static struct derived d;
static int __attribute__((noinline)) flag(struct derived *x) { return x->base.flag * 1000 + x->base.text[20]; }
int main(void) {
  for (long n = 0, k; n < 1000000 && (k = read(0, (char *)&b + n, 1000000 - n)) > 0; n += k) continue;
  memset(&d, 'q', 40);
  printf("%d %d\n", flag((struct derived *)&b), flag(&d));
  return 0;
}
