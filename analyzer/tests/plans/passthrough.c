// A heap buffer that is only passed on: in the environment, nothing of it in the log.
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  char *buf = malloc(65536);
  long total = 0;
  for (int i = 0; i < 100; i++) {
    long n = read(0, buf, 65536);
    if (n <= 0)
      break;
    total += write(1, buf, (size_t)n);
  }
  free(buf);
  return total > 0;
}
