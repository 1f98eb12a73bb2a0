// Bytes read and written through one heap buffer that the program never looks at: not in the log.
//# log-below: 4096
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  int in = open("/dev/zero", O_RDONLY), out = open("/dev/null", O_WRONLY); if (in < 0 || out < 0) return 1;
  char *b = malloc(65536); long total = 0;
  for (int i = 0; i < 100; i++) { ssize_t n = read(in, b, 65536); if (n <= 0) return 2; total += write(out, b, (size_t)n); }
  free(b); printf("%ld\n", total); return 0;
}
