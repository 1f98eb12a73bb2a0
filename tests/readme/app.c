// The program of the README's 60 seconds.
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv) {
  printf("%d argument%s:", argc - 1, argc == 2 ? "" : "s");
  for (int i = 1; i < argc; i++)
    printf(" %s", argv[i]);
  printf("\nthe clock is %s\n", time(NULL) > 1700000000 ? "right" : "wrong");
  return 0;
}
