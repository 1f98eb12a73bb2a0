// A little of a big buffer is copied out: the copy is logged, not the buffer.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct header {
  int magic;
  int length;
};
int main(void) {
  char *buf = malloc(1 << 20);
  struct header h;
  int sum = 0;
  for (int i = 0; i < 100; i++) {
    long n = read(0, buf, 1 << 20);
    if (n < (long)sizeof h)
      break;
    memcpy(&h, buf, sizeof h);
    for (int k = 0; k < 1000; k++)
      sum += h.magic + h.length;
    write(1, buf, (size_t)n);
  }
  return sum & 1;
}
