// Structures with pointers, exchanged byte by byte and copied by halves of words.
//# stdin: what is read into buffers that only few bytes of are looked at
#include <stdio.h>
#include <unistd.h>
struct item { char *text; long n; };
typedef unsigned __attribute__((may_alias)) half;
static char small[1 << 20], big[1 << 20];
static struct item items[2], other[2], third[2];
static void __attribute__((noinline)) swap(char *a, char *b, int n) {
  while (n-- > 0) {
    char t = *a;
    *a++ = *b;
    *b++ = t;
  }
}
static void __attribute__((noinline)) copy(half *a, const half *b, int n) {
  for (int i = 0; i < n; i++) a[i] = b[i];
}
int main(void) {
  items[0].text = third[0].text = small;
  other[0].text = big;
  for (long n = 0, k; n < 1000000 && (k = read(0, big + n, 1000000 - n)) > 0; n += k) continue;
  swap((char *)&items[0], (char *)&other[0], sizeof *items);
  copy((half *)&third[0], (half *)&items[0], sizeof *items / sizeof(half));
  printf("%c %c\n", items[0].text[40], third[0].text[41]);
  return 0;
}
