// The process itself executes the program again, which runs unrecorded: the trace ends there, and the new image leaves it alone.
//# end: exec
//# processes: 1
//# status: 6
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **words) {
  int left = count > 1 ? atoi(words[1]) : 2;
  char next[12];
  printf("%d left\n", left);
  fflush(stdout);
  if (left == 0) return 6;
  snprintf(next, sizeof next, "%d", left - 1);
  execl("/proc/self/exe", words[0], next, (char *)NULL);
  return 99;
}
