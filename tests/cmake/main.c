// The program of the CMake project.
#include <stdio.h>

long long now(void);

int main(int argc, char **argv) {
  for (int i = 0; i < 3; i++)
    printf("%s %d: %lld\n", argv[0] ? "clock" : "", argc, now());
  return 4;
}
