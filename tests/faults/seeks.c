// A program that moves about in its output: a replay into a file makes the same file.
#include <stdio.h>
#include <unistd.h>
int main(void) {
  printf("length ....\n");
  for (int i = 0; i < 3; i++) printf("line %d\n", i);
  long end = ftell(stdout);
  if (end < 0) return 2;
  if (fseek(stdout, 7, SEEK_SET)) return 1;
  printf("%04ld", end);
  fseek(stdout, 0, SEEK_END);
  printf("end\n");
  fflush(stdout);
  if (lseek(1, -2, SEEK_CUR) < 0) return 1;
  if (write(1, "D\n", 2) != 2) return 1;
  rewind(stdout);
  printf("L");
  return 0;
}
