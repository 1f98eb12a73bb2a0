// Something that only the library boundary has to log: with a target, this is the environment's.
#include <stdio.h>

__attribute__((noinline)) static int read_all(void) {
  unsigned char bytes[4096];
  long sum = 0;
  FILE *f = fopen("/proc/self/exe", "r");
  if (f == NULL) return 0;
  size_t n = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  for (size_t i = 0; i < n; i++) sum += bytes[i];
  return sum > 0;
}
