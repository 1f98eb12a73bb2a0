// What a program gets at its start is in replay space: nothing to log.
#include <stdlib.h>
int main(int argc, char **argv) {
  const char *home = getenv("HOME");
  int sum = argc;
  for (int i = 0; i < argc; i++)
    sum += argv[i][0];
  return home && home[0] == '/' ? sum & 1 : 2;
}
