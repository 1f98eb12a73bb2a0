// One allocation wrapper, two sides: it is cloned.
#include <stdlib.h>
#include <unistd.h>
static void *xmalloc(size_t n) {
  void *p = malloc(n);
  if (!p)
    abort();
  return p;
}
int main(void) {
  char *pass = xmalloc(65536);
  char *look = xmalloc(64);
  int sum = 0;
  for (int i = 0; i < 100; i++) {
    long n = read(0, pass, 65536);
    if (n > 0)
      write(1, pass, (size_t)n);
  }
  read(0, look, 64);
  for (int round = 0; round < 100; round++)
    for (int i = 0; i < 64; i++)
      sum += look[i];
  return sum & 1;
}
